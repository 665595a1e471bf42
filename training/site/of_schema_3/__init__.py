"""Goes on with the one network of a chest bundle of schema 3."""
