"""What a member may ask of us: show me everything, forget me, and never take me back in by an old export."""

from followups.privacy.digests import erased_at, was_forgotten
from followups.privacy.exporting import export
from followups.privacy.forgetting import CannotForget, forget, hold_off, hold_off_at_once

__all__ = ["CannotForget", "erased_at", "export", "forget", "hold_off", "hold_off_at_once", "was_forgotten"]
