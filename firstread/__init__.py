"""The command line. It imports every other package, and no package imports it."""
