"""`firstread users`: accounts of the worklist page, from the command line."""
