"""The help page: words, keys, and what to do when."""
