"""`firstread models`: bundles on disk, in use and waiting, and further training."""
