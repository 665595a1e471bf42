"""`firstread audit`: who did what, and whether that is as it was written."""
