"""The protocol of a loaded bundle that reads studies, the same for every schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.catalogue import UsableBundle
from radiology.answer.reading import Reading
from radiology.answer.tracking import Tracking
from radiology.clinical import ClinicalContext
from radiology.earlier import EarlierImages, NotCompared
from radiology.image.series import SeriesHeader
from radiology.image.volume import Volume
from radiology.urgency import Triage, Urgency

OnProgress = Callable[[int, int], None]
"""Called with how much is done, and how much there is in all."""


@dataclass(frozen=True, slots=True)
class EarlierStudy:
    """What the same bundle made of an earlier study of the same patient.

    Attributes
    ----------
    acquired_at : of the images
    reading : as it was stored, without voxels
    kept : the file in which the bundle kept what it compares with; it may be gone
    """

    study_instance_uid: str
    acquired_at: datetime
    reading: Reading
    kept: Path


@dataclass(frozen=True)
class StudyToRead:
    """A decoded series, and what is known beside it.

    Attributes
    ----------
    given : clinical values that were given of the patient, and where they came from
    earlier : studies that the same bundle read, the latest first
    not_compared : studies under the same patient ID that are none of these
    """

    series: SeriesHeader
    volume: Volume
    given: ClinicalContext = field(default_factory=ClinicalContext)
    earlier: tuple[EarlierStudy, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()


@dataclass(frozen=True)
class StudyRead:
    """One bundle's reading of a study, and what belongs to it.

    Attributes
    ----------
    triage : None exactly when the reading is not assessable
    kept : what a later study of the patient will be compared with; None where nothing can be
    tracking : identities of the findings' parts in the patient's course, by the value in their
        label map and their rank; those that are not named get one that follows from the result
    places : by the number that the page calls a part of a finding by, its middle in mm (LPS)
    earlier : the study that this one was compared with place by place
    """

    reading: Reading
    triage: Triage | None
    kept: bytes | None = None
    tracking: Mapping[tuple[int, int], Tracking] = field(default_factory=dict)
    places: Mapping[int, tuple[float, float, float]] = field(default_factory=dict)
    earlier: EarlierImages | None = None

    @property
    def suspicion(self) -> float | None:
        """How suspect the study is as a whole, 0 to 1."""
        return None if self.reading.suspicion is None else self.reading.suspicion.value

    @property
    def decided_by(self) -> Mapping[str, str]:
        """What the row that decided saw, and its limit; empty where none was asked."""
        row = self.reading.decided_by
        return {} if row is None else {"seen": row.seen, "limit": row.limit}


@dataclass(frozen=True)
class ReadAlone:
    """One bundle's reading of a study by itself, outside of its patient's course.

    Attributes
    ----------
    triage : None exactly when the reading is not assessable
    facts : the reading as `firstread predict` prints it and an upload stores it
    """

    reading: Reading
    triage: Triage | None
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What a few slices of a waiting study show; it decides the order of the queue alone.

    Attributes
    ----------
    like : a study waits like one of this urgency; None leaves it where it is
    facts : what was seen, for the page and the log
    """

    like: Urgency | None
    facts: Mapping[str, float]


@dataclass(frozen=True)
class ComingSlices:
    """The slices of a series that have come so far, without a gap, on canonical axes.

    Attributes
    ----------
    shape : slices, rows, columns
    spacing_mm : along them; of the slices so far
    names : what each is called: the same name for the same pixels
    hounsfield : gives a slice by its index, float32, shape (rows, columns), HU; raises `Refused`
        where it cannot be decoded
    grows_upwards : whether the lowest slice came first, so that no index will change
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    names: Sequence[str]
    hounsfield: Callable[[int], NDArray[np.float32]]
    grows_upwards: bool


class StudyReader(Protocol):
    """A loaded bundle, kept for the life of a worker process."""

    @property
    def bundle(self) -> UsableBundle:
        """What was loaded."""
        ...

    @property
    def provider(self) -> str:
        """The execution provider that really runs, as ONNX Runtime calls it."""
        ...

    def warm_up(self) -> None:
        """Run once on empty input, so that the first study does not wait for it."""
        ...

    def look(self, thinned: Callable[[], Volume]) -> FirstLook | None:
        """Look at a few slices of a study; None for a bundle that has no quick look.

        Parameters
        ----------
        thinned : decodes them
        """
        ...

    def read_ahead(self, slices: ComingSlices, go_on: Callable[[], bool]) -> int:
        """Do now what the study will need, if it turns out to be read; answers stay the same.

        Parameters
        ----------
        go_on : asked now and then; where it says no, the rest is left

        Returns
        -------
        How many slices were read; 0 for a bundle that reads none ahead.

        Raises
        ------
        Refused
            A slice cannot be decoded.
        """
        ...

    def read_study(self, study: StudyToRead, on_progress: OnProgress) -> StudyRead:
        """Run the networks, and say what it means.

        Raises
        ------
        BundleRejected
            A network answers otherwise than the bundle declares.
        VolumeRefused
            The volume is too large for the bundle.
        """
        ...

    def read_alone(self, study: StudyToRead, on_progress: OnProgress) -> ReadAlone:
        """Read a study by itself; nothing is kept, and no earlier images are compared.

        Raises
        ------
        BundleRejected, VolumeRefused
            As `read_study`.
        """
        ...
