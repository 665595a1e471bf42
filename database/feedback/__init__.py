"""What readers said of results."""
