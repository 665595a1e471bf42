"""What was read in a chest as a reading of any bundle: all that is told of it, with codes."""
