"""Converts a chest's reading to the values of any bundle's reading, with codes."""
