"""The page of one upload."""
