"""The face: the command line. It joins everything, and nothing imports it."""
