"""Data sets, files and associations as peers send them."""
