"""The tables: one module for each subject, nothing but columns."""
