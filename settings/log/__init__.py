"""The log: its events, its file, and what libraries write into it."""
