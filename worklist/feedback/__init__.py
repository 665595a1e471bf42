"""Feedback of readers on a result."""
