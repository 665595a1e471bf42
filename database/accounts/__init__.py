"""Who may use the worklist page, their sessions, and what they did there."""
