"""Triage of a chest: by its reading, and before that by a first look at a few slices."""
