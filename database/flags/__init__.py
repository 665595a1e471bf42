"""Flags, who is told of them, and who has seen them."""
