"""Check-backs: planned measurements of posts, from the first snapshot to the last."""
