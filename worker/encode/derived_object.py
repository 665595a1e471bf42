"""The parts that all result objects share: the study they belong to, their maker, their UIDs.

Each object goes into the study that was analysed, into a series of its own (PS3.3 C.7.3.1). The
Patient and Study modules are copied from the source (PS3.3 C.7.1 and C.7.2); the equipment is
ours (PS3.3 C.7.5.2), and the scanner's is named as contributing (PS3.3 C.12.1.1.5).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from functools import cached_property
from typing import Any

from highdicom import ContributingEquipment
from pydicom import DataElement, Dataset
from pydicom.config import IGNORE

from models.measure.lesions import LesionPart, NumberedLesions, number_lesions
from radiology import codes
from radiology.answer.tracking import Tracking
from radiology.identity import derived_uid
from worker.encode.coded_concepts import coded, plain_text
from worker.encode.shown_reading import ShownReading
from worker.encode.source_study import SourceStudy

DISCLAIMER = "AI result - not for primary diagnosis"  # ASCII: source character sets differ

_ACCESSION_NUMBER = 0x00080050
# Far above what scanners count to, so that results stand last; ten numbers per version.
_FIRST_SERIES_NUMBER = 9000


class EncodedKind(StrEnum):
    """The modality-like short name of a result object, in the order in which they are sent."""

    SEG = "SEG"
    SR = "SR"
    SC = "SC"
    PDF = "PDF"
    KO = "KO"  # a note that rejects the others, when they were wrong


class ReportForm(StrEnum):
    """The two reports: what viewers draw, and what programs compute with."""

    VIEWER = "viewer"
    MACHINE = "machine"


_SERIES = {  # number within the ten of a version, and what the description begins with
    "SR": (1, "AI findings"),
    "SEG": (2, "AI lesions"),
    "SC": (3, "AI key images"),
    "PDF": (4, "AI summary"),
    "SR:machine": (5, "AI quantification"),
    # "!" sorts before letters and digits; the number is settled in series_and_equipment.
    "SC:urgent": (6, "!URGENT AI key images"),
}
_MOST_DESCRIPTION = 64  # PS3.5 Section 6.2, LO
MARKED = "urgent"
_TOP_SERIES_NUMBER = 1


@dataclass(frozen=True)
class EncodedObject:
    """One result object, ready to be written or sent.

    `dataset` has File Meta Information (PS3.10 Section 7.1) with its transfer syntax; `recipe` is
    the word of the recipe that it was made by.
    """

    kind: EncodedKind
    dataset: Dataset
    recipe: str


@dataclass(frozen=True, slots=True)
class EarlierReport:
    """An SR document of ours that a new one names: it supersedes it, or compares with its study."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


@dataclass(frozen=True)
class EarlierReports:
    """Our own earlier reports that a new one names.

    Attributes
    ----------
    predecessor : for viewers; the new one supersedes it (PS3.3 C.17.2.2, Predecessor Documents)
    machine_predecessors : for programs, by the word of the recipe
    prior : of the earlier study that this one is compared with (Pertinent Other Evidence)
    """

    predecessor: EarlierReport | None = None
    machine_predecessors: Mapping[str, EarlierReport] = field(default_factory=dict)
    prior: EarlierReport | None = None


@dataclass(frozen=True)
class ResultContext(ShownReading):
    """Everything that encoding needs; no other source is used. Its volume has `frames`.

    Attributes
    ----------
    headers : full data sets without pixels of the instances that `volume.frames` names
        One per slice, or the multi-frame ones; in any order.
    content_datetime : when the reading was made
        The same job must pass the same time each time it is encoded: it is part of the bytes.
        Written in the source's Timezone Offset From UTC if it has one, or else as it is.
    device_serial_number : names the installation; Device Serial Number (0018,1000)
    result_version : 1, or more for a result that supersedes another one of this study
    earlier_reports : what the reports name
    most_tracked_lesions : so many of the largest lesions are tracked one by one
    accession_number : of the study, for a source that does not say which order it answers
    known_lesions : identities that lesions have in the patient's course, by their value in the
        label map of findings and their rank; the others get one that follows from this result
    """

    headers: Sequence[Dataset]
    content_datetime: datetime
    device_serial_number: str = "1"
    result_version: int = 1
    earlier_reports: EarlierReports = field(default_factory=EarlierReports)
    most_tracked_lesions: int = 0
    accession_number: str = ""
    known_lesions: Mapping[tuple[int, int], Tracking] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.volume.frames:
            raise ValueError("results can only be encoded for a volume that was read from DICOM")
        super().__post_init__()

    @property
    def image_numbers(self) -> Sequence[int | None]:
        """What the source calls each slice: its Instance Number, or the number of the frame."""
        return [one.image_number for one in self.source.slices]

    @cached_property
    def source(self) -> SourceStudy:
        """Study, patient and slices that the result is about."""
        return SourceStudy.from_headers(self.headers, self.volume)

    @cached_property
    def _identity(self) -> tuple[str, ...]:
        # Frame numbers belong to it: one multi-frame instance can hold more than one volume.
        used = sorted(f"{one.sop_instance_uid}:{one.frame_number}" for one in self.volume.frames)
        instances = hashlib.sha256("\n".join(used).encode()).hexdigest()
        return (
            self.source.series_instance_uid,
            instances,
            self.algorithm.bundle_digest,
            str(self.result_version),
        )

    def uid(self, *purpose: str) -> str:
        """A UID that follows from the source instances, the bundle, the version and `purpose`."""
        return derived_uid(*purpose, *self._identity)

    def tracking_uid(self, name: str) -> str:
        """The Tracking UID of a finding; the same one in the report and the segmentation."""
        return self.uid("tracking", name)

    @cached_property
    def lesions(self) -> NumberedLesions:
        """The lesions of the reading, told apart."""
        return number_lesions(self.masks.finding_layer.labels)

    def lesion_tracking(self, lesion: LesionPart) -> Tracking:
        """The identity of a lesion: the same in every object and each time it is encoded."""
        known = self.known_lesions.get((lesion.kind, lesion.rank))
        if known is not None:
            return known
        region = self.masks.finding_layer.regions[lesion.kind]
        identifier = f"{region.name} {lesion.rank}"
        return Tracking(identifier, self.tracking_uid(identifier))

    @property
    def device_uid(self) -> str:
        """Identifies this algorithm on this installation (PS3.16 TID 1004)."""
        algorithm = self.algorithm
        return derived_uid(
            "device", self.device_serial_number, algorithm.name, algorithm.bundle_digest
        )


def series_and_equipment(
    context: ResultContext, kind: EncodedKind, *variant: str
) -> dict[str, Any]:
    """The arguments of highdicom's constructors that all objects have in common.

    PS3.3 C.7.3.1 (General Series), C.7.5.2 (Enhanced General Equipment), C.12.1 (SOP Common).

    Parameters
    ----------
    variant : tells apart objects of one kind that differ in content; UIDs follow from it
    """
    algorithm, moment = context.algorithm, _local_time(context)
    number, description = _SERIES.get(":".join((kind, *variant[:1])), _SERIES[kind])
    number_in_study = _FIRST_SERIES_NUMBER + 10 * (context.result_version - 1) + number
    return {
        "series_instance_uid": context.uid("series", kind, *variant),
        "series_number": _TOP_SERIES_NUMBER if MARKED in variant else number_in_study,
        "series_description": series_description(context, description),
        "series_date": moment.strftime("%Y%m%d"),
        "series_time": moment.strftime("%H%M%S"),
        "sop_instance_uid": context.uid("instance", kind, *variant),
        "instance_number": context.result_version,
        "manufacturer": algorithm.manufacturer,
        "manufacturer_model_name": algorithm.name,
        "software_versions": _software_versions(context),
        "device_serial_number": context.device_serial_number,
        "content_date": moment.strftime("%Y%m%d"),
        "content_time": moment.strftime("%H%M%S"),
    }


def series_description(context: ResultContext, begins: str) -> str:
    """What a series is; of bundles that name their series, also what was read, cut where long."""
    name, ends = context.reading.report.series_name, " (Firstread)"
    room = _MOST_DESCRIPTION - len(begins) - len(ends) - 2
    return f"{begins}: {plain_text(name)[:room].rstrip()}{ends}" if name else begins + ends


def settle(made: Dataset, context: ResultContext) -> Dataset:
    """Finish an object that highdicom made from neutral stand-ins of the source.

    Puts in the Patient and Study modules as the source has them, and puts what follows from
    `context` in place of what highdicom took from the clock.

    Returns
    -------
    A plain data set; its sequences are those of `made`.
    """
    moment = _local_time(context)
    settled = Dataset()
    settled.update({element.tag: element for element in made})
    settled.file_meta = made.file_meta
    settled.preamble = b"\0" * 128
    settled.InstanceCreationDate = moment.strftime("%Y%m%d")
    settled.InstanceCreationTime = moment.strftime("%H%M%S")
    settled.ContributingEquipmentSequence = _contributing_equipment(context)
    for element in context.source.patient_and_study:
        settled.add(deepcopy(element))  # an element that data sets share changes in all of them
    if not settled.get("AccessionNumber") and context.accession_number:
        number = context.accession_number
        settled.add(DataElement(_ACCESSION_NUMBER, "SH", number, validation_mode=IGNORE))
    if context.source.timezone_offset is not None:
        settled.TimezoneOffsetFromUTC = context.source.timezone_offset
    return settled


def _local_time(context: ResultContext) -> datetime:
    return on_clock_of(context.source.timezone_offset, context.content_datetime)


def on_clock_of(offset: str | None, moment: datetime) -> datetime:
    """A moment on the clock that a source's times are on (PS3.3 C.12.1.1.8).

    Parameters
    ----------
    offset : Timezone Offset From UTC of the source; None where it does not say, and `moment` is on
        the clock of the site already
    """
    if offset is None or moment.tzinfo is None:
        return moment
    sign = -1 if offset.startswith("-") else 1
    minutes = sign * (int(offset[1:3]) * 60 + int(offset[3:5]))
    return moment.astimezone(timezone(timedelta(minutes=minutes)))


def _software_versions(context: ResultContext) -> list[str]:
    """Bundle, its digest (64 characters, as many as an LO holds) and our own version."""
    algorithm = context.algorithm
    return [algorithm.label, algorithm.bundle_digest, f"Firstread {context.software_version}"]


def _contributing_equipment(context: ResultContext) -> list[Dataset]:
    """The scanner, then ourselves."""
    ours = ContributingEquipment(
        manufacturer=context.algorithm.manufacturer,
        purpose_of_reference=coded(codes.PROCESSING_EQUIPMENT),
        manufacturer_model_name=context.algorithm.name,
        software_versions=_software_versions(context),
        device_serial_number=context.device_serial_number,
        contribution_description=DISCLAIMER,
    )
    scanner = context.source.scanner(coded(codes.ACQUISITION_EQUIPMENT))
    return [ours] if scanner is None else [scanner, ours]
