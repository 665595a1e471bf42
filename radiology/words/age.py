"""A patient's age as a gate tells it: completed years, and of an infant that it is one.

Nothing finer, which would tell the day of birth.
"""

from __future__ import annotations

from math import floor
from typing import Final

AGE_ENDINGS: Final = (" year", " years")
"""How every text of `age_words` ends: an age is left out of pictures."""


def age_words(years: float) -> str:
    """Completed years; rounded up, a child of 17.6 would seem to be of age."""
    completed = floor(years)
    if completed < 1:
        return "under 1 year"
    return "1 year" if completed == 1 else f"{completed} years"
