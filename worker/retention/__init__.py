"""Retention: what goes is chosen, marked in rows, removed from the disk, and settled."""
