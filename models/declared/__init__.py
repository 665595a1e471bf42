"""Reads a bundle's declaration strictly: every key is known, and no key is ignored."""
