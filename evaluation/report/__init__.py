"""The report of an evaluation: one HTML page with its plots and pictures."""
