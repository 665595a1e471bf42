"""The comparison of old and new: the page for those who decide, JSON, and the model card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.report.page import (
    Page,
    ReportFigure,
    ReportTable,
    Section,
    figure_text,
    interval_text,
)
from models.catalogue import UsableBundle
from training.site.compare_bundles import Compared, ComparedSlice

Facts = Sequence[tuple[str, str]]

FORGETTING = (
    "Trained on the new cases alone: without our own slices beside them (--data) nothing kept the "
    "networks from forgetting what they could do elsewhere, and nothing here would show it."
)
EACH_FILE_A_CASE = (
    "No patients are named, so each file counted as a case. Slices of one patient on both sides "
    "of the split make the new bundle look better than it is."
)
THRESHOLDS = (
    "Thresholds, calibration and the operating point are the base's; a site's few cases could not "
    "choose them better."
)


@dataclass(frozen=True)
class SiteReport:
    """What is known of a candidate beside its base.

    Attributes
    ----------
    trained, held_out : cases; `slices` counts likewise
    site, house : figures on the site's held-out cases and on our own held-out slices
    by_slice : the site's held-out slices
    notes : what a reader must know
    house_note : what a reader must know of the figures on our own slices
    """

    base: UsableBundle
    candidate: UsableBundle
    trained: int
    held_out: int
    slices: tuple[int, int]
    learnt: str
    site: tuple[Compared, ...]
    house: tuple[Compared, ...]
    by_slice: tuple[ComparedSlice, ...]
    notes: tuple[str, ...]
    house_note: str

    def entries(self) -> dict[str, Any]:
        """The JSON object; file names and figures, nothing of patients."""
        return {
            "base": f"{self.base.name}/{self.base.version}",
            "base_digest": self.base.digest,
            "candidate": f"{self.candidate.name}/{self.candidate.version}",
            "candidate_digest": self.candidate.digest,
            "learnt": self.learnt,
            "cases_trained": self.trained,
            "cases_held_out": self.held_out,
            **self._figures(self.site),
            "house": self._figures(self.house) if self.house else None,
            "held_out": [
                {"file": compared.name, "dice_old": _plain(compared.lesion_dice[0]),
                 "dice_new": _plain(compared.lesion_dice[1])}
                for compared in self.by_slice
            ],
            "notes": [*self.notes, *([self.house_note] if self.house else [])],
        }  # fmt: skip

    def _figures(self, figures: Sequence[Compared]) -> dict[str, Any]:
        return {key: value for one in figures for key, value in one.entries().items()}

    def facts(self) -> dict[str, Any]:
        """What the bundle keeps of it: no names of files, they may say whose they are."""
        return {
            "base": {"version": self.base.version, "digest": self.base.digest},
            "learnt": self.learnt,
            "cases": {"trained": self.trained, "held_out": self.held_out},
            "site": self._figures(self.site),
            "house": self._figures(self.house),
            "notes": list(self.notes),
        }


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def _table(caption: str, figures: Sequence[Compared]) -> ReportTable:
    rows = [
        [
            figure.what,
            figure_text(figure.old.value),
            figure_text(figure.new.value),
            figure_text(figure.difference.value),
            interval_text(figure.difference),
            str(figure.old.count),
            figure.verdict,
        ]
        for figure in figures
    ]
    head = ["Figure", "Old", "New", "New less old", "95 % interval", "Cases", "So"]
    return ReportTable(caption, head, rows)


def _slice_table(slices: Sequence[ComparedSlice]) -> ReportTable:
    def cells(pair: tuple[float, float]) -> list[str]:
        return [figure_text(_plain(value)) for value in (*pair, pair[1] - pair[0])]

    rows = [[one.name, *cells(one.lesion_dice), *cells(one.viral)] for one in slices]
    head = ["Slice", "Dice, old", "Dice, new", "Change", "Viral, old", "Viral, new", "Change"]
    return ReportTable("Every held-out slice", head, rows)


def site_page(report: SiteReport) -> Page:
    """The HTML report."""
    old, new = report.base, report.candidate
    facts = [
        ("Old", f"{old.algorithm.label}, digest {old.digest}"),
        ("New", f"{new.algorithm.label}, digest {new.digest}"),
        ("Trained further", report.learnt),
        ("Cases", f"{report.trained} trained on, {report.held_out} held out"),
        ("Slices", f"{report.slices[0]} trained on, {report.slices[1]} held out"),
    ]
    figures = [
        ReportFigure(f"{figure.what}: {which}", estimate, short=f"{figure.what}, {which}")
        for figure in report.site
        for which, estimate in (
            ("old", figure.old),
            ("new", figure.new),
            ("change", figure.difference),
        )
    ]
    in_use = (
        f"The new bundle is a candidate: nothing uses it until `firstread models use "
        f"{new.name}/{new.version}`."
    )
    sections = [
        Section(
            "On the site's held-out cases",
            notes=[*report.notes, in_use],
            tables=[_table("The same cases read with both bundles", report.site)],
        )
    ]
    if report.house:
        sections.append(
            Section(
                "On our own held-out slices",
                notes=[report.house_note],
                tables=[_table("What the new bundle may have forgotten", report.house)],
            )
        )
    sections.append(Section("Every slice", tables=[_slice_table(report.by_slice)], folded=True))
    return Page("A bundle trained further: old against new", facts, figures, sections)


def _card_table(figures: Sequence[Compared]) -> str:
    head = "| what | old | new | new less old | so |\n|---|---|---|---|---|\n"
    return head + "\n".join(
        f"| {figure.what} | {figure.old} | {figure.new} | {figure.difference} | {figure.verdict} |"
        for figure in figures
    )


def site_card(report: SiteReport, made: str, base_card: str) -> str:
    """The candidate's model card: what is new, then the card of the base as it was."""
    new, old = report.candidate, report.base
    house = (
        f"## On our own held-out slices\n\n{report.house_note}\n\n{_card_table(report.house)}\n\n"
        if report.house
        else ""
    )
    notes = "\n".join(f"- {note}" for note in report.notes)
    return f"""\
# {new.name} {new.version}

**RESEARCH USE ONLY.** Version {old.version} (digest `{old.digest}`), trained further at a site:
{report.learnt}. {report.trained} cases ({report.slices[0]} slices) were trained on, \
{report.held_out} ({report.slices[1]} slices) held out and never seen.

## Old against new

Both bundles on the same held-out cases, each case once; bootstrap intervals over cases, DeLong for
AUC. On so few cases an interval is a guess too.

{_card_table(report.site)}

{notes}

{house}## How it was made

{made}

---

What follows is the card of {old.version}; its figures are those of that version.

{_demoted(base_card)}"""


def _demoted(card: str) -> str:
    """A card as a part of another: its headings one level lower."""
    return "\n".join(
        f"#{line}" if line.startswith("#") else line for line in card.splitlines()
    ).strip() + "\n"  # fmt: skip
