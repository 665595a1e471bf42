"""Rows that a release wrote: a file of them for each release, and how one is made.

`python -m tests.builders.old_rows` makes the file of the present version; docs/operations.md says
when. `tests/integration/old_rows/` loads every file.
"""
