"""Forgetting a study or a patient: who is meant, which rows go, and that nothing names them."""
