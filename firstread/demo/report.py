"""Prints the demo: events as they happen, the worklist, and figures beside the truth."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chest.values.regions import LesionLabel, LungLabel
from database.events import EventRow
from database.views.demo_rows import StudyAnswer
from firstread.demo.pacs import StoredObject
from models.older_readings import brief_if_readable
from phantom import Phantom
from radiology.answer.measurement import Measurement
from radiology.unit_words import unit_words

_COLOURS = {"urgent": "bold red", "suspected": "yellow", "routine": "green"}


def print_event(console: Console, event: EventRow) -> None:
    """One line for one step."""
    facts = " ".join(f"{name}={_short(value)}" for name, value in event.facts.items() if value)
    at = event.at.astimezone().strftime("%H:%M:%S.%f")[:-3]
    study = f"…{event.study_instance_uid[-8:]}" if event.study_instance_uid else ""
    line = f"  [dim]{at}[/] study {study} [bold cyan]{event.name:<10}[/] {escape(facts)}"
    console.print(line, soft_wrap=True)


def print_worklist(console: Console, answers: Sequence[StudyAnswer]) -> None:
    """The studies in the order of the worklist page."""
    table = Table(title="Worklist: the urgent study first")
    for heading in ("Answer", "Study", "State", "Measured", "Suspicion", "Rule or reason"):
        table.add_column(heading, overflow="fold")
    for answer in answers:
        reading = brief_if_readable(answer.reading)
        summary = () if reading is None else reading.summary
        leading = next((one for one in summary if isinstance(one, Measurement)), None)
        suspicion = None if reading is None else reading.suspicion
        table.add_row(
            f"[{_COLOURS.get(answer.answer, 'magenta')}]{answer.answer}[/]",
            answer.study_instance_uid,
            answer.state,
            "–" if leading is None else f"{leading.written:g} {unit_words(leading.unit)}",
            "–"
            if suspicion is None or suspicion.value is None
            else f"{suspicion.value:.3f} (threshold {suspicion.threshold:g})",
            escape(answer.reason or answer.rule),
        )
    console.print(table)


def print_objects(
    console: Console, pacs: str, answer: StudyAnswer, stored: Sequence[StoredObject]
) -> bool:
    """Where the results are; False when an object of ours is not in PACS, or none was made."""
    found = {one.sop_instance_uid for one in stored}
    missing = [uid for uid in answer.object_uids if uid not in found]
    if not answer.object_uids:
        console.print(
            f"[bold red]No results[/] for {answer.study_instance_uid}: {escape(answer.reason)}"
        )
        return False
    console.print(f"Fetched back from {pacs}, study {answer.study_instance_uid}:")
    for instance in stored:
        console.print(f"  {instance.modality:<3} {instance.path}", soft_wrap=True)
    if missing:
        console.print(
            f"[bold red]{len(missing)} results are not in PACS[/]: {escape(answer.reason)}"
        )
    return not missing


def print_truth(console: Console, name: str, phantom: Phantom, answer: StudyAnswer) -> None:
    """True volumes of a phantom beside the measured ones."""
    reading = brief_if_readable(answer.reading)
    measured = {} if reading is None else {row.title: row.cells for row in reading.table.rows}
    if not measured:
        return
    title = f"True and measured: {name} phantom, {answer.answer}"
    table = Table("Volume, ml", "True", "Measured", "Difference", title=title)
    # The table of a chest: the phantom is one (`chest.answer.table`).
    both, right, left = measured["Both lungs"], measured["Right lung"], measured["Left lung"]
    rows = (
        ("right lung", phantom.lung_ml(LungLabel.RIGHT), right[0]),
        ("left lung", phantom.lung_ml(LungLabel.LEFT), left[0]),
        ("lesions", phantom.lesion_ml(), both[1]),
        ("ground glass", phantom.lesion_ml(LesionLabel.GROUND_GLASS), both[3]),
        ("consolidation", phantom.lesion_ml(LesionLabel.CONSOLIDATION), both[4]),
    )
    for name, true_ml, measured_ml in rows:
        known = measured_ml or 0.0
        difference = f"{100 * (known / true_ml - 1):+.1f} %" if true_ml else "–"
        table.add_row(name, f"{true_ml:.1f}", f"{known:.1f}", difference)
    console.print(table)


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)
