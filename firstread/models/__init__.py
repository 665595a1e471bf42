"""`firstread models`: bundles on disk, in use and waiting, and training one further."""
