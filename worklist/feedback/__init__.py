"""What readers say of a result."""
