"""What `firstread doctor` keeps and asks of the database."""
