"""The key picture of a reading."""
