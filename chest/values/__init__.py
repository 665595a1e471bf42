"""Values that only a chest has."""
