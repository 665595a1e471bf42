"""Accounts of the worklist page, their sessions, and the audit of what people did there."""
