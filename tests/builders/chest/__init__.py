"""Chests and pairs of chests, with the answers that belong to them."""
