"""Forgetting a study or a patient: rows and files go, and both are searched in the end."""
