"""`firstread predict`: what a bundle says of files."""
