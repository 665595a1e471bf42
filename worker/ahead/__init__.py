"""Reads slices of studies that are still coming, while a worker has nothing else to do."""
