"""One answer of a bundle as values: what was found, measured and said, and how it is stored."""
