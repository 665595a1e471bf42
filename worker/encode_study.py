"""A reading to files: source headers read, objects encoded, everything durable on disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from pydicom import Dataset, dcmread

from radiology.finding import Reading, Triage
from radiology.volume import Volume
from settings.environment import Settings
from worker.encode import PredecessorReport, ResultContext, encode_results, render_key_picture
from worker.keep_results import KeptObject, keep_heat_maps, keep_object, keep_picture


@dataclass(frozen=True)
class StudyToEncode:
    """One reading and where it came from.

    Attributes
    ----------
    paths : files of the instances that the volume was decoded from, one per slice
    content_datetime : the same each time that the job is tried
    """

    paths: Iterable[Path]
    volume: Volume
    reading: Reading
    triage: Triage | None
    content_datetime: datetime
    result_version: int
    predecessor: PredecessorReport | None


def encode_study(study: StudyToEncode, settings: Settings) -> tuple[list[KeptObject], str | None]:
    """Encode and keep every object of a result.

    Returns
    -------
    The kept objects in the order in which they are to be sent, and the key picture's path within
    the results folder. No object and no picture where no lungs were found. Where there are heat
    maps, they lie beside the picture (`.heat.npz`), and so does a picture with them (`.heat.png`).

    Raises
    ------
    SpoolFull
        There is no room left.
    """
    if study.reading.regions is None:
        return [], None
    context = ResultContext(
        headers=_headers(study.paths),
        volume=study.volume,
        reading=study.reading,
        triage=study.triage,
        content_datetime=study.content_datetime,
        software_version=version("firstread"),
        device_serial_number=settings.ae_title,
        result_version=study.result_version,
        predecessor=study.predecessor,
        language=settings.language,
    )
    if not context.has_lungs:
        return [], None
    picture = render_key_picture(context)
    made = encode_results(context, picture=picture)
    kept = [keep_object(settings.results_folder, one) for one in made]
    name = Path(kept[-1].path).with_suffix("").as_posix()
    if study.reading.heat_maps:
        keep_heat_maps(settings.results_folder, name, study.reading.heat_maps)
        with_heat = render_key_picture(context, heat=True)
        keep_picture(settings.results_folder, f"{name}.heat", with_heat)
    return kept, keep_picture(settings.results_folder, name, picture)


def _headers(paths: Iterable[Path]) -> list[Dataset]:
    """Full data sets without pixels; a multi-frame instance once."""
    return [dcmread(path, stop_before_pixels=True) for path in dict.fromkeys(paths)]
