"""A chest over several studies of the patient: what is kept for comparison, and what changed."""
