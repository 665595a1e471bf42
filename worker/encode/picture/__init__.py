"""The key picture: what the algorithm saw, drawn for a person."""
