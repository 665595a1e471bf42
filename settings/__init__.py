"""The settings: what differs between hospitals and machines, read once at start."""
