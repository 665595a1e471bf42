"""`firstread feedback`: what readers said, listed and exported."""
