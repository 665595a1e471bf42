"""A phantom through the whole path: sent to our node, read, delivered, read back, and removed."""
