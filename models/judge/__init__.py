"""Applies a bundle's gates and its rules of suspicion and urgency to measurements."""
