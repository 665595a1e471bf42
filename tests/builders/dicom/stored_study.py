"""A study in PACS with the objects that were made of it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from pydicom import Dataset

from tests.builders.chest.analysed_phantom import AnalysedStudy
from tests.peers.dicom.orthanc import OrthancPeer
from worker.encode import EncodedKind, EncodedObject


@dataclass(frozen=True)
class StoredStudy:
    """A study in PACS with the objects that were sent for it."""

    study: AnalysedStudy
    objects: tuple[EncodedObject, ...]

    @property
    def study_instance_uid(self) -> str:
        """Of the source and of every object."""
        return self.study.context.source.study_instance_uid

    def description(self, kind: EncodedKind) -> str:
        """The Series Description by which a reader finds the object; not that of programs."""
        (found,) = (one for one in self.for_readers if one.kind is kind)
        return str(found.dataset.SeriesDescription)

    @property
    def for_readers(self) -> tuple[EncodedObject, ...]:
        """The objects that a viewer is meant to open."""
        return tuple(one for one in self.objects if not one.recipe.startswith("SR:machine"))

    def image(self, index: int) -> str:
        """How DICOMweb addresses a slice of the volume."""
        source = self.study.context.source.slices[index]
        return f"{source.sop_instance_uid}/frames/{source.frame_number or 1}"

    @property
    def key_slice(self) -> int:
        """The slice that the reading shows first."""
        index = self.study.context.reading.key_slice
        assert index is not None
        return index


def store_study(
    pacs: OrthancPeer, study: AnalysedStudy, objects: Sequence[EncodedObject]
) -> StoredStudy:
    """Put source and objects into PACS; twice changes nothing."""
    for path in study.files:
        pacs.upload(path)
    for one in objects:
        pacs.upload(part_10(one.dataset))
    return StoredStudy(study, tuple(objects))


def part_10(dataset: Dataset) -> bytes:
    """A data set as a file (PS3.10)."""
    content = io.BytesIO()
    dataset.save_as(content, enforce_file_format=True)
    return content.getvalue()
