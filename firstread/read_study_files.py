"""Read the files of one study as the worker does: series selected, decoded, answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from firstread.say import OnStep
from radiology.finding import Reading, Triage
from radiology.series import SeriesHeader
from radiology.volume import Volume
from worker.bundle_series import bundle_refusal
from worker.decode_volume import decode_volume
from worker.infer_findings import Reader
from worker.read_series import group_series, read_instances
from worker.select_series import SeriesSelection, select_series
from worker.series_rules import REFUSALS


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
    reading: Reading
    triage: Triage | None

    @property
    def first_file(self) -> Path:
        """The file of the first slice that was read."""
        return self.paths[self.volume.frames[0].sop_instance_uid]


def read_study_files(
    files: Iterable[Path], reader: Reader, on_step: OnStep | None = None
) -> ReadStudy:
    """Select, decode and read.

    Parameters
    ----------
    files : DICOM instances of one study, in any order

    Raises
    ------
    Refused
        The study cannot be read; the kind says why.
    """
    instances = read_instances(files, on_progress=_named("Headers", on_step))
    paths = {one.instance.sop_instance_uid: one.path for one in instances}
    selection = select_series(
        group_series(instances), refusals=(*REFUSALS, bundle_refusal(reader.bundle))
    )
    series = selection.require()
    volume = decode_volume(series, paths, on_progress=_named("Decoding slices", on_step))
    reading, triage = reader.read(
        volume, series=series, on_progress=_named("Looking at slices", on_step)
    )
    return ReadStudy(selection, series, paths, volume, reading, triage)


def _named(name: str, on_step: OnStep | None) -> Callable[[int, int], None] | None:
    return None if on_step is None else partial(on_step, name)
