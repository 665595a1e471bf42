"""A chest over several studies of the patient: what is kept of one, and what has changed since."""
