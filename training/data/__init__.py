"""Slices and labels, how they are split, and how they are varied."""
