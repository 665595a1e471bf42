"""The network that says of a slice what pattern it shows."""
