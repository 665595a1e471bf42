"""Decode the files of one study as the worker does: a series selected, its slices decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from models.catalogue import UsableBundle
from radiology.image.series import SeriesHeader
from radiology.image.volume import Volume
from worker.patient.one_patient import one_patient
from worker.predict.instance_file import read_valid_instances
from worker.predict.on_step import OnStep
from worker.series.bundle_rule import refusals_of
from worker.series.decode_best import decode_best
from worker.series.decode_volume import decode_volume
from worker.series.read_series import group_series, patients_of
from worker.series.select_series import SeriesSelection


@dataclass(frozen=True)
class DecodedStudy:
    """A study with a decoded series.

    Attributes
    ----------
    series : the chosen one, which `volume` was decoded from
    paths : SOP Instance UID to file
    """

    selection: SeriesSelection
    series: SeriesHeader
    paths: Mapping[str, Path]
    volume: Volume

    @property
    def first_file(self) -> Path:
        """The file of the first slice that was read."""
        return self.paths[self.volume.frames[0].sop_instance_uid]

    def facts(self, key_slice: int | None) -> dict[str, Any]:
        """Which series was read, and where the key slice is found; UIDs and figures, no names."""
        frame = None if key_slice is None else self.volume.frames[key_slice]
        return {
            "series_instance_uid": self.series.series_instance_uid,
            "slices": self.volume.shape[0],
            "spacing_mm": list(self.volume.spacing_mm),
            "key_instance": None if frame is None else asdict(frame),
            "series": [asdict(one) for one in self.selection.decisions],
        }


def decode_study_files(
    files: Iterable[Path],
    bundle: UsableBundle,
    on_step: OnStep | None = None,
    *,
    on_series: Callable[[SeriesHeader], None] | None = None,
) -> DecodedStudy:
    """Select a series for a bundle, and decode it; the next best where that fails.

    Parameters
    ----------
    files : DICOM instances of one study, in any order
    on_series : told of each series before it is decoded; it may refuse

    Raises
    ------
    Refused
        The study cannot be read; the kind says why.
    """
    instances = read_valid_instances(files, on_progress=named_step("Headers", on_step))
    paths = {one.instance.sop_instance_uid: one.path for one in instances}
    one_patient(patients_of(instances, skip_unreadable=True))

    def decode(series: SeriesHeader) -> Volume:
        if on_series is not None:
            on_series(series)
        return decode_volume(series, paths, on_progress=named_step("Decoding slices", on_step))

    decoded = decode_best(group_series(instances), refusals_of(bundle), decode)
    return DecodedStudy(decoded.selection, decoded.series, paths, decoded.volume)


def named_step(name: str, on_step: OnStep | None) -> Callable[[int, int], None] | None:
    """What tells how far one step is; None where nobody asks."""
    return None if on_step is None else partial(on_step, name)
