"""What the headers of a study say of it in the list."""
