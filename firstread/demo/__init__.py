"""`firstread demo`: a small hospital on one machine, and a study that passes through all of it."""
