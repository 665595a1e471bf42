"""Figures with their confidence intervals."""
