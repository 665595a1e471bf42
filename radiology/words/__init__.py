"""Words of others: what a peer says, for people and for the log."""
