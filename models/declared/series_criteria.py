"""The series that a bundle accepts: DICOM keywords with plain comparisons, no expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydicom.datadict import tag_for_keyword

from models.declared.section import DeclarationTable, listing, nearest

_KEYWORD = re.compile(r"[A-Z][A-Za-z0-9]+")
KEYWORDS = ("Modality", "BodyPartExamined", "ImageType", "SliceThickness", "SpacingBetweenSlices",
            "NumberOfSeriesRelatedInstances", "ContrastBolusAgent")  # fmt: skip
"""All that is read of a series to be compared: anything else would never be asked."""

_NUMERIC = ("at_least", "at_most")
_TEXTUAL = ("equals", "contains_any", "contains_none")


@dataclass(frozen=True)
class Criterion:
    """One comparison of one data element.

    Attributes
    ----------
    keyword : DICOM keyword (PS3.6 Table 6-1)
    comparison : equals, contains_any, contains_none (texts, case does not matter) or
        at_least, at_most (numbers)
    limit : what is compared with
    required : whether a series without the element is refused
    """

    keyword: str
    comparison: str
    limit: str | float | tuple[str, ...]
    required: bool

    def refusal(self, header: Mapping[str, object]) -> str | None:
        """Return why a series does not satisfy this, or None when it does."""
        value = header.get(self.keyword)
        if value is None or value == "":
            return f"{self.keyword} is missing" if self.required else None
        if self.comparison in _NUMERIC:
            return self._numeric_refusal(value)
        return self._textual_refusal(value)

    def _numeric_refusal(self, value: object) -> str | None:
        limit = float(self.limit) if isinstance(self.limit, int | float) else 0.0
        try:
            number = float(str(value))
        except ValueError:
            return f"{self.keyword} is not a number"
        # Written so that NaN satisfies neither.
        held = number >= limit if self.comparison == "at_least" else number <= limit
        words = self.comparison.replace("_", " ")
        return None if held else f"{self.keyword} {number:g} is not {words} {limit:g}"

    def _textual_refusal(self, value: object) -> str | None:
        text = _as_text(value)
        wanted = (self.limit,) if isinstance(self.limit, str) else self.limit
        words = [str(word).upper() for word in wanted] if isinstance(wanted, tuple) else []
        if self.comparison == "equals":
            held = text in words
        elif self.comparison == "contains_any":
            held = any(word in text for word in words)
        else:
            held = not any(word in text for word in words)
        phrase = self.comparison.replace("_", " ")
        return None if held else f"{self.keyword} does not satisfy: {phrase} {', '.join(words)}"


def _as_text(value: object) -> str:
    """A value as upper-case text; several values as DICOM writes them."""
    if not isinstance(value, str) and isinstance(value, Iterable):
        return "\\".join(str(part) for part in value).upper()
    return str(value).upper()


def read_criteria(section: DeclarationTable) -> tuple[Criterion, ...]:
    """Read `accepts`: at least one entry."""
    return tuple(_read_entry(entry) for entry in section.sections("accepts", least=1))


def _read_entry(entry: DeclarationTable) -> Criterion:
    comparison = entry.text("comparison")
    known = _NUMERIC + _TEXTUAL
    if comparison not in known:
        cure = f"{nearest(comparison, known)}Allowed: {listing(known)}."
        raise entry.problem("comparison", f'"{comparison}" is not known here', cure)
    keyword = entry.text("keyword")
    if tag_for_keyword(keyword) is None:
        cure = f"{nearest(keyword, KEYWORDS)}Write it as PS3.6 does: SliceThickness."
        raise entry.problem("keyword", f'"{keyword}" is no DICOM keyword', cure)
    if keyword not in KEYWORDS:
        cure = f"{nearest(keyword, KEYWORDS)}Read are {listing(KEYWORDS)}."
        raise entry.problem("keyword", f'"{keyword}" is not read of a series', cure)
    limit = entry.limit("limit")
    numeric = comparison in _NUMERIC
    if numeric != isinstance(limit, float):
        wanted = "a number" if numeric else "a text or a list of texts"
        raise entry.problem("limit", f'"{comparison}" compares with {wanted}', f"Write {wanted}.")
    criterion = Criterion(keyword, comparison, limit, required=entry.flag("required"))
    entry.close()
    return criterion
