"""`firstread models try`: run a bundle of schema 3 on a study, print the reading, draw it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from firstread.find_instances import find_instances
from models.declared_bundle import DeclaredBundle, read_declared_bundle, schema_of
from models.judge.rules import RowSeen, deciding
from models.read_volume import JudgedReading, read_volume
from models.run.declared_network import load_networks
from models.schema_2.bundle import SCHEMA
from radiology.errors import NoSuitableSeries, SettingsRefused, VolumeRefused
from radiology.image.series import SeriesHeader
from radiology.image.volume import Volume
from radiology.unit_words import unit_words
from settings.environment import Settings
from worker.encode import ShownReading, render_key_picture
from worker.series.bundle_rule import series_keywords
from worker.series.decode_volume import decode_volume
from worker.series.read_series import group_series, read_instances


def try_and_print(settings: Settings, folder: Path, study: Path, picture: Path) -> None:
    """Run a bundle on the study in a folder; nothing is stored and nothing sent.

    Parameters
    ----------
    folder : of the bundle
    study : a folder with the DICOM instances of one study
    picture : where the PNG is written

    Raises
    ------
    Refused
        The bundle is damaged, the study has no series for it, or cannot be decoded.
    """
    if schema_of(folder) == SCHEMA:
        raise SettingsRefused(
            "A bundle of schema 2 is tried with `firstread predict`; `try` is for schema 3"
        )
    bundle = read_declared_bundle(folder)
    networks = load_networks(
        bundle, provider=settings.execution_provider, threads=settings.inference_threads
    )
    console = Console(highlight=False, soft_wrap=True)
    volume, series = _read_study(bundle, study, console)
    judged = read_volume(
        volume,
        bundle,
        networks,
        limits=settings.bundle_limits.get(bundle.name),
        age_years=series.patient_age_years,
    )
    print_reading(bundle, judged, console)
    shown = ShownReading(volume, judged.reading, judged.triage, version("firstread"))
    heat = bool(judged.reading.heat_maps)
    render_key_picture(shown, heat=heat).save(picture)
    console.print(f"Picture: {picture}", markup=False)


def _read_study(
    bundle: DeclaredBundle, study: Path, console: Console
) -> tuple[Volume, SeriesHeader]:
    """Decode the series with most slices of those that the bundle accepts and that decode."""
    instances = read_instances(find_instances(study).paths)
    paths = {one.instance.sop_instance_uid: one.path for one in instances}
    accepted = []
    for series in group_series(instances):
        series = series.without_image_type("LOCALIZER")
        reasons = bundle.series_refusals(series_keywords(series)) if series.instances else ("",)
        verdict = "; ".join(reasons) or "accepted"
        console.print(f"Series of {series.frame_count} slices: {verdict}", markup=False)
        if not reasons:
            accepted.append(series)
    if not accepted:
        raise NoSuitableSeries("The bundle accepts no series of this study; see [[accepts]]")
    failed: list[VolumeRefused] = []
    for series in sorted(accepted, key=lambda one: one.frame_count, reverse=True):
        try:
            return decode_volume(series, paths), series
        except VolumeRefused as error:
            console.print(f"Series of {series.frame_count} slices: {error}", markup=False)
            failed.append(error)
    raise failed[0]


def print_reading(bundle: DeclaredBundle, judged: JudgedReading, console: Console) -> None:
    """Print what was found, measured, checked and decided."""
    reading = judged.reading
    console.print(f"\n{bundle.name} {bundle.version}: {reading.outcome}", style="bold")
    for finding in reading.findings:
        likely = "" if finding.probability is None else f", probability {finding.probability:.3f}"
        slices = ", ".join(str(at + 1) for at in finding.key_slices) or "none"
        console.print(
            f"{finding.title}: {finding.presence}{likely}; key slices {slices}", markup=False
        )
    _print(
        console,
        ("Measurement", "Value", "Unit"),
        [
            (
                f"{group.name}: {measurement.concept.meaning}",
                f"{measurement.written:g}",
                unit_words(measurement.unit),
            )
            for group in reading.groups
            for measurement in group.measurements
        ],
    )
    _print(
        console,
        ("Gate", "Seen", "Limit", "Passed"),
        [
            (gate.name, gate.seen, gate.limit, "yes" if gate.passed else f"no: {gate.reason}")
            for gate in reading.gates
        ],
    )
    first = deciding(judged.rows)
    _print(
        console,
        ("Rule", "Says", "Seen", "Limit", "Verdict"),
        [
            (
                row.name,
                row.says,
                row.seen,
                f"{row.limit} (site; bundle: {row.declared})" if row.declared else row.limit,
                _verdict(row, decides=any(row is one for one in first)),
            )
            for row in judged.rows
        ],
    )
    if judged.triage is not None:
        console.print(f"Urgency: {judged.triage.urgency}, by {judged.triage.rule}", markup=False)


def _verdict(row: RowSeen, *, decides: bool) -> str:
    """What became of a rule: of each finding and of the urgency the first that holds decides."""
    if row.held:
        return "decides" if decides else "also true"
    if not row.asked:
        return "not asked"
    return "not true" if row.measured else "not measured"


def _print(console: Console, heads: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    if not rows:
        return
    table = Table(*heads)
    for row in rows:
        table.add_row(*row)
    console.print(table, markup=False)
