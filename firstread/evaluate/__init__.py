"""`firstread evaluate`: the quality of a bundle on labelled data."""
