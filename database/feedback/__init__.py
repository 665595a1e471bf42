"""Feedback: what readers say of results."""
