"""An attempt at a row of a queue: held by a lease, tried, and brought to an end."""
