"""`firstread demo`: a small hospital on one machine, and one study through the whole of it."""
