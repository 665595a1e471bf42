"""Reads a chest study from files: selects a series, decodes it, reads it as a chest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from chest.reader import Reader
from chest.values.reading import ChestReading
from radiology.image.series import SeriesHeader
from radiology.image.volume import Volume
from radiology.urgency import Triage
from worker.predict.decode_study_files import DecodedStudy, decode_study_files, named_step
from worker.predict.on_step import OnStep


@dataclass(frozen=True)
class ReadStudy:
    """A study and what was found in it."""

    decoded: DecodedStudy
    reading: ChestReading
    triage: Triage | None

    @property
    def series(self) -> SeriesHeader:
        """The one that was chosen."""
        return self.decoded.series

    @property
    def volume(self) -> Volume:
        """What was read."""
        return self.decoded.volume


def read_chest_study(
    files: Iterable[Path],
    reader: Reader,
    on_step: OnStep | None = None,
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
    decoded = decode_study_files(files, reader.bundle, on_step)
    reading, triage = reader.read(
        decoded.volume,
        series=decoded.series,
        on_progress=named_step("Looking at slices", on_step),
    )
    return ReadStudy(decoded, reading, triage)
