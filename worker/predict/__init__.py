"""Predictions for files on this machine: a study, or a single slice. No rows, no queue.

`firstread predict` and the uploads of the page answer by the same code.
"""
