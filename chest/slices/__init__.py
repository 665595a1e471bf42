"""Single slices of a chest: how they are read, described in pictures and JSON, and stored."""
