"""Rows that a release wrote: a file of them for each release, and how one is made.

`python -m tests.builders.old_rows` makes the file of the present version; docs/operations.md says
when. `tests/integration/test_old_rows.py` loads every file.
"""
