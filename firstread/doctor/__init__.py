"""`firstread doctor`: everything that Firstread needs, looked at; each fault with its cure."""
