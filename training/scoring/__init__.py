"""Scores on data that no training saw."""
