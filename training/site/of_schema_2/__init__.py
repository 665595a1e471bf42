"""Goes on with the two networks of a base of schema 2."""
