"""`firstread predict`: the answers of a bundle to files."""
