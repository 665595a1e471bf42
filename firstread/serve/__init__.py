"""`firstread serve`: every part as a process, watched, and said when it answers."""
