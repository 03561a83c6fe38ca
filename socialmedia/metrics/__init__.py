"""What snapshots say: curves, growth, rates, comparisons and alerts."""
