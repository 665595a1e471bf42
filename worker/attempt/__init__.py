"""An attempt at a row of a queue: claimed, held by a lease, tried, and settled."""
