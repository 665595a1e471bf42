"""Reads `labels.csv` of a site's new cases: the label and the patient of each slice."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from radiology.errors import SettingsRefused
from training.data.figures import ASKED_OF_NOBODY

_SHOWN_PROBLEMS = 12


class CasesRefused(SettingsRefused):
    """The folder of new cases cannot be trained on."""

    def __init__(self, folder: Path, problems: list[str]) -> None:
        more = len(problems) - _SHOWN_PROBLEMS
        shown = problems[:_SHOWN_PROBLEMS] + ([f"and {more} more"] if more > 0 else [])
        super().__init__(f"{folder} cannot be trained on:\n  " + "\n  ".join(shown))


@dataclass(frozen=True)
class Label:
    """A row.

    Attributes
    ----------
    viral : 1 COVID-19, 0 not, −1 nobody said
    patient : empty where none is named; never shown
    """

    viral: int
    patient: str


def read_site_labels(path: Path, files: set[str], problems: list[str]) -> dict[str, Label]:
    """Labels by name of file; empty where there is no `labels.csv`."""
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CasesRefused(path.parent, ["labels.csv is not CSV in UTF-8"]) from error
    labels: dict[str, Label] = {}
    for number, row in enumerate(rows, start=2):
        name = Path((row.get("file") or "").strip()).name
        viral = (row.get("covid") or "").strip()
        if name not in files:
            problems.append(f"labels.csv, line {number}: images/ has no file {name or '(empty)'}")
        elif name in labels:
            problems.append(f"labels.csv, line {number}: {name} stands there twice")
        elif viral not in {"", "0", "1"}:
            problems.append(f"labels.csv, line {number}: covid of {name} is not 1, 0 or empty")
        else:
            known = int(viral) if viral else ASKED_OF_NOBODY
            labels[name] = Label(known, (row.get("patient") or "").strip())
    return labels
