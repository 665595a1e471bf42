"""The audit trail for others: messages of PS3.15 Section A.5, and the way to a repository."""
