"""`firstread feedback`: readers' feedback, listed and exported."""
