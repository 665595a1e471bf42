"""Flags, the notices about them, and acknowledgements."""
