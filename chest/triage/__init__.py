"""How soon a chest should be looked at: by its reading, and before it by a few slices."""
