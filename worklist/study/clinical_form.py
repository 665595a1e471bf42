"""The form for clinical values: its fields, and what a person typed into them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from database.studies.clinical_values import RecordedValues
from radiology.answer.statement import PlainValue
from radiology.clinical import ClinicalSource, ClinicalValues
from radiology.clinical.titles import title_of, unit_of
from radiology.clinical.values import CHOICES, LIMITS, WHOLE, YES_OR_NO, allowed

ENTRY = "seen_entry"
"""The hidden field that says which entry the form was filled from."""

MOST_BYTES = 64 * 1024  # twenty short values
_MOST_CHARACTERS = 40
_NUMBER = re.compile(r"[-−+]?\d{1,12}(?:[.,]\d{1,12})?", re.ASCII)
_WORDS = {"yes": True, "no": False}
_CHOICE_WORDS = {"none": "none, or oxygen only", "non_invasive": "non-invasive"}

_GROUPS = (
    ("Patient", ("age_years", "sex", "symptoms", "comorbidity_count")),
    (
        "Breathing",
        (
            "respiratory_rate_per_min",
            "spo2_percent",
            "on_oxygen",
            "oxygen_flow_l_min",
            "pao2_fio2_mmhg",
            "ventilation",
            "altitude_m",
            "barometric_pressure_mmhg",
        ),
    ),
    (
        "Circulation and consciousness",
        (
            "systolic_mmhg",
            "diastolic_mmhg",
            "shock",
            "organ_failure_in_icu",
            "confusion",
            "gcs",
        ),
    ),
    ("Laboratory", ("urea_mmol_l", "crp_mg_l")),
)


@dataclass(frozen=True, slots=True)
class FormField:
    """One field.

    Attributes
    ----------
    kind : "number", "yes or no" or "choice"
    text : what stands in it
    options : of a choice, value to words
    whole, low, high : which numbers it may hold; of another kind "" and ""
    problem : why what was typed was refused; empty where it was not
    impossible : whether it was refused because it may not hold that, and not beside another value
    source : of the value that is in force; None where there is none
    """

    name: str
    title: str
    unit: str
    kind: str
    text: str
    options: tuple[tuple[str, str], ...]
    whole: bool
    low: str
    high: str
    problem: str
    impossible: bool
    source: ClinicalSource | None


@dataclass(frozen=True, slots=True)
class ClinicalForm:
    """The form as it is shown; `refused` when something in it was not accepted."""

    entry_id: int
    groups: tuple[tuple[str, tuple[FormField, ...]], ...]
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Typed:
    """What came with a form: the entry that it was filled from, and the text of each field."""

    entry_id: int
    texts: Mapping[str, str] = field(default_factory=dict)

    def values(self) -> dict[str, object]:
        """Each field as a value; what is no number or word of the field stays as it was typed."""
        return {name: _value(name, text) for name, text in self.texts.items()}

    def changes(self, seen: RecordedValues) -> dict[str, object]:
        """The fields that a person changed since they saw the form, emptied ones as None."""
        return {
            name: value for name, value in self.values().items() if value != seen.values.get(name)
        }


def typed(given: Mapping[str, str]) -> Typed:
    """Read what came with a form. Names that are no clinical value are left aside."""
    entry = given.get(ENTRY, "")
    names = [one.name for one in fields(ClinicalValues)]
    return Typed(
        int(entry) if re.fullmatch(r"\d{1,9}", entry, re.ASCII) else 0,
        {name: given[name].strip()[:_MOST_CHARACTERS] for name in names if name in given},
    )


def clinical_form(
    recorded: RecordedValues,
    given: Typed | None = None,
    problems: Mapping[str, str] | None = None,
) -> ClinicalForm:
    """The form with what is in force, or with what was typed and why it was refused."""
    texts = {name: _text(value) for name, value in recorded.values.items()}
    if given is not None:
        texts |= given.texts
    return ClinicalForm(
        entry_id=recorded.entry_id if given is None else given.entry_id,
        groups=tuple(
            (
                title,
                tuple(_field(name, texts, problems or {}, recorded.sources) for name in names),
            )
            for title, names in _GROUPS
        ),
        refused=bool(problems),
    )


def _field(
    name: str,
    texts: Mapping[str, str],
    problems: Mapping[str, str],
    sources: Mapping[str, ClinicalSource],
) -> FormField:
    options: tuple[tuple[str, str], ...] = ()
    if name in LIMITS:
        kind = "number"
    elif name in YES_OR_NO:
        kind, options = "yes or no", (("yes", "yes"), ("no", "no"))
    else:
        kind = "choice"
        options = tuple(
            (choice.value, _CHOICE_WORDS.get(choice.value, choice.value))
            for choice in CHOICES[name]
        )
    low, high = (f"{limit:g}" for limit in LIMITS[name]) if name in LIMITS else ("", "")
    problem = problems.get(name, "")
    return FormField(
        name=name,
        title=title_of(name),
        unit=unit_of(name),
        kind=kind,
        text=texts.get(name, ""),
        options=options,
        whole=name in WHOLE,
        low=low,
        high=high,
        problem=problem,
        impossible=problem == f"must be {allowed(name)}",
        source=sources.get(name),
    )


def _text(value: PlainValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.12g}" if isinstance(value, int | float) else str(value or "")


def _value(name: str, text: str) -> object:
    if not text:
        return None
    if name in YES_OR_NO:
        return _WORDS.get(text, text)
    if name in CHOICES or not _NUMBER.fullmatch(text):
        return text
    number = float(text.replace("−", "-").replace(",", "."))
    return int(number) if name in WHOLE and number == int(number) else number
