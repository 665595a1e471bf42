"""`firstread backup`, `restore` and `move`: one archive of everything, and one command to move."""
