"""Prints the demo: events as they happen, the worklist, and figures beside the truth."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from database.events import EventRow
from database.views.demo_rows import StudyAnswer
from firstread.demo.pacs import StoredObject
from phantom import Phantom
from radiology.chest.regions import LesionLabel, LungLabel

_COLOURS = {"urgent": "bold red", "suspected": "yellow", "routine": "green"}


def print_event(console: Console, event: EventRow) -> None:
    """One line for one step."""
    facts = " ".join(f"{name}={_short(value)}" for name, value in event.facts.items() if value)
    at = event.at.astimezone().strftime("%H:%M:%S.%f")[:-3]
    study = f"…{event.study_instance_uid[-8:]}" if event.study_instance_uid else ""
    line = f"  [dim]{at}[/] study {study} [bold cyan]{event.name:<10}[/] {facts}"
    console.print(line, soft_wrap=True)


def print_worklist(console: Console, answers: Sequence[StudyAnswer]) -> None:
    """The studies in the order of the worklist page."""
    table = Table(title="Worklist: the urgent study first")
    for heading in ("Answer", "Study", "State", "Lesions of lung", "Suspicion", "Rule or reason"):
        table.add_column(heading, overflow="fold")
    for answer in answers:
        total = answer.reading.get("figures", {}).get("total")
        share = f"{total['lesion_share_percent']:.1f} %" if total else "–"
        suspicion = answer.reading.get("suspicion")
        threshold = answer.reading.get("suspicion_threshold")
        table.add_row(
            f"[{_COLOURS.get(answer.answer, 'magenta')}]{answer.answer}[/]",
            answer.study_instance_uid,
            answer.state,
            share,
            "–" if suspicion is None else f"{suspicion:.3f} (threshold {threshold:g})",
            answer.reason or answer.rule,
        )
    console.print(table)


def print_objects(
    console: Console, pacs: str, answer: StudyAnswer, stored: Sequence[StoredObject]
) -> bool:
    """Where the results are; False when one that we made is not in PACS, or none was made."""
    found = {one.sop_instance_uid for one in stored}
    missing = [uid for uid in answer.object_uids if uid not in found]
    if not answer.object_uids:
        console.print(f"[bold red]No results[/] for {answer.study_instance_uid}: {answer.reason}")
        return False
    console.print(f"Fetched back from {pacs}, study {answer.study_instance_uid}:")
    for one in stored:
        console.print(f"  {one.modality:<3} {one.path}", soft_wrap=True)
    if missing:
        console.print(f"[bold red]{len(missing)} results are not in PACS[/]: {answer.reason}")
    return not missing


def print_truth(console: Console, name: str, phantom: Phantom, answer: StudyAnswer) -> None:
    """True volumes of a phantom beside the measured ones."""
    figures = answer.reading.get("figures", {})
    if not figures:
        return
    title = f"True and measured: {name} phantom, {answer.answer}"
    table = Table("Volume, ml", "True", "Measured", "Difference", title=title)
    total = figures["total"]
    rows = (
        ("right lung", phantom.lung_ml(LungLabel.RIGHT), figures["right"]["lung_volume_ml"]),
        ("left lung", phantom.lung_ml(LungLabel.LEFT), figures["left"]["lung_volume_ml"]),
        ("lesions", phantom.lesion_ml(), total["lesion_volume_ml"]),
        ("ground glass", phantom.lesion_ml(LesionLabel.GROUND_GLASS), total["ground_glass_ml"]),
        (
            "consolidation",
            phantom.lesion_ml(LesionLabel.CONSOLIDATION),
            total["consolidation_ml"],
        ),
    )
    for name, true_ml, measured_ml in rows:
        difference = f"{100 * (measured_ml / true_ml - 1):+.1f} %" if true_ml else "–"
        table.add_row(name, f"{true_ml:.1f}", f"{measured_ml:.1f}", difference)
    console.print(table)


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)
