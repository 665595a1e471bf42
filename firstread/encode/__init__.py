"""`firstread encode`: result objects as files."""
