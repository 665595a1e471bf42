"""Patches that overlap, weighted by their middle, in bounded memory."""
