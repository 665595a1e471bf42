"""Judged studies as an anonymised set that `firstread models train --new-cases` reads."""
