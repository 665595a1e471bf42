"""Archives of everything that Firstread keeps: made while it runs, checked, and restored."""
