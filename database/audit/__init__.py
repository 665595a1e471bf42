"""The audit trail as one chain: each event holds the hash of the one before it."""
