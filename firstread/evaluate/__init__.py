"""`firstread evaluate`: how good a bundle is, on labelled data."""
