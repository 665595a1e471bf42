"""Why there is no answer: whole sentences, with what was seen and what is needed."""

from __future__ import annotations

import pytest

from radiology.outcome import QualityGate
from radiology.words.age import age_words
from radiology.words.gate_reasons import gates_say


def test_several_gates_are_several_sentences() -> None:
    """Each ends with one full stop, whether or not its reason brought one."""
    gates = (
        QualityGate("adult", False, "under 1 year", "at least 18 years", "Made for adults."),
        QualityGate("slices", False, "3", "at least 8", "Too few slices"),
        QualityGate("noise", False, "90 HU", "at most 60 HU"),
    )
    assert gates_say(gates) == (
        "Made for adults (under 1 year; needed: at least 18 years). "
        "Too few slices (3; needed: at least 8). "
        "noise (90 HU; needed: at most 60 HU)."
    )


@pytest.mark.parametrize(
    ("years", "words"),
    [
        (0.0, "under 1 year"),
        (0.99, "under 1 year"),
        (1.0, "1 year"),
        (17.99, "17 years"),
        (86.0, "86 years"),
    ],
)
def test_an_age_is_completed_years(years: float, words: str) -> None:
    """An infant is not "0 years" old."""
    assert age_words(years) == words
