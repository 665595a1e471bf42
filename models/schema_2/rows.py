"""What only the makers of bundles of schema 2 know of rows: labels, slices, rules to apply again.

Named and not imported, as in `models.older_readings`: they stand above this folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any, Protocol, cast

from radiology.answer.reading import Reading
from radiology.answer.slice_in_words import SliceInWords
from radiology.answer.statement import PlainValue, Statement
from radiology.clinical import ClinicalValues

_LABELS = "chest.values.case_answer:LABEL_WORDS"
_SLICE = "chest.slices.stored_slice:slice_in_words"
_GIVEN = "chest.answer.known:given_in"
_AGAIN = "chest.judge_again:statements_again"
_NOTICE = "chest.values.severity:NOTICE"


class _SliceTeller(Protocol):
    def __call__(self, answer: Mapping[str, Any]) -> SliceInWords: ...


class _GivenIn(Protocol):
    def __call__(self, reading: Reading) -> Mapping[str, PlainValue]: ...


class _Rules(Protocol):
    def __call__(
        self, reading: Reading | None, values: ClinicalValues
    ) -> tuple[Statement, ...]: ...


def words_of_labels() -> Mapping[str, str]:
    """What a reader sees for each label of a finding, in English."""
    return cast("Mapping[str, str]", resolve_name(_LABELS))


def stored_slice(answer: Mapping[str, Any]) -> SliceInWords:
    """What an upload stored of a single slice, in words."""
    return cast("_SliceTeller", resolve_name(_SLICE))(answer)


def given_in(reading: Reading) -> Mapping[str, PlainValue]:
    """The clinical values that a stored reading was made with."""
    return cast("_GivenIn", resolve_name(_GIVEN))(reading)


def statements_again(reading: Reading | None, values: ClinicalValues) -> tuple[Statement, ...]:
    """The statements of the rules that ask for clinical values, made again with those in force.

    Raises
    ------
    ClinicalValuesRefused
        A value contradicts what the headers state.
    """
    return cast("_Rules", resolve_name(_AGAIN))(reading, values)


def notice_of_rules() -> str:
    """What stands beside the answers of these rules wherever they are shown, in English."""
    return cast("str", resolve_name(_NOTICE))
