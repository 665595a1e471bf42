"""Read the files of one study as the worker does: series selected, decoded, answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from chest.reader import Reader
from radiology.chest.reading import ChestReading
from radiology.chest.severity import ClinicalContext
from radiology.image.series import SeriesHeader
from radiology.image.volume import Volume
from radiology.urgency import Triage
from worker.predict.check_order import check_order
from worker.predict.on_step import OnStep
from worker.series.bundle_rule import refusals_of
from worker.series.decode_volume import decode_volume
from worker.series.read_series import group_series, read_instances
from worker.series.select_series import SeriesSelection, select_series


@dataclass(frozen=True)
class ReadStudy:
    """A study and what was found in it.

    Attributes
    ----------
    series : the chosen one, which `volume` was decoded from
    paths : SOP Instance UID to file
    """

    selection: SeriesSelection
    series: SeriesHeader
    paths: Mapping[str, Path]
    volume: Volume
    reading: ChestReading
    triage: Triage | None

    @property
    def first_file(self) -> Path:
        """The file of the first slice that was read."""
        return self.paths[self.volume.frames[0].sop_instance_uid]


def read_study_files(
    files: Iterable[Path],
    reader: Reader,
    on_step: OnStep | None = None,
    *,
    context: ClinicalContext | None = None,
) -> ReadStudy:
    """Select, decode and read.

    Parameters
    ----------
    files : DICOM instances of one study, in any order
    context : what was given of the patient beside the study

    Raises
    ------
    Refused
        The study cannot be read; the kind says why. Or the prior measurement is not prior.
    """
    instances = read_instances(files, on_progress=_named("Headers", on_step))
    paths = {one.instance.sop_instance_uid: one.path for one in instances}
    selection = select_series(group_series(instances), refusals=refusals_of(reader.bundle))
    series = selection.require()
    if context is not None and context.prior is not None:
        check_order(context.prior, series.acquired_at)
    volume = decode_volume(series, paths, on_progress=_named("Decoding slices", on_step))
    reading, triage = reader.read(
        volume,
        series=series,
        context=context,
        on_progress=_named("Looking at slices", on_step),
    )
    return ReadStudy(selection, series, paths, volume, reading, triage)


def _named(name: str, on_step: OnStep | None) -> Callable[[int, int], None] | None:
    return None if on_step is None else partial(on_step, name)
