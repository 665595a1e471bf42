"""The place of each slice, read from the source's headers only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from radiology.errors import ResultMismatch
from radiology.image.series import FrameHeader
from radiology.image.volume import SourceFrame
from worker.encode.derived_object import ResultContext
from worker.series.frame_headers import frame_headers, text, whole


@dataclass(frozen=True)
class ProvedSource:
    """The source of a result.

    Attributes
    ----------
    frames : every frame of the instances, by instance and frame number
    frames_of_reference : all that the instances state; empty text where one states none
    slices : index of the slice of the volume that a frame became
    """

    study_instance_uid: str
    series_instance_uid: str
    frames_of_reference: frozenset[str]
    rows: int
    columns: int
    instances: frozenset[str]
    frames: Mapping[SourceFrame, FrameHeader]
    slices: Mapping[SourceFrame, int]

    @classmethod
    def of(cls, context: ResultContext) -> ProvedSource:
        """Read the headers, and check that the volume lies where they say.

        Raises
        ------
        ResultMismatch
            The instances are not of one series, or a slice lies at another place.
        """
        alike = (
            "StudyInstanceUID",
            "SeriesInstanceUID",
            "PatientID",
            "Rows",
            "Columns",
        )
        first = context.headers[0]
        for keyword in alike:
            if len({str(header.get(keyword)) for header in context.headers}) > 1:
                raise ResultMismatch("The source instances differ", attribute=keyword)
        found = cls(
            study_instance_uid=text(first, "StudyInstanceUID"),
            series_instance_uid=text(first, "SeriesInstanceUID"),
            frames_of_reference=frozenset(
                text(header, "FrameOfReferenceUID") for header in context.headers
            ),
            rows=whole(first, "Rows") or 0,
            columns=whole(first, "Columns") or 0,
            instances=frozenset(text(header, "SOPInstanceUID") for header in context.headers),
            frames={
                SourceFrame(text(header, "SOPInstanceUID"), frame.frame_number): frame
                for header in context.headers
                for frame in frame_headers(header)
            },
            slices={frame: index for index, frame in enumerate(context.volume.frames)},
        )
        found._check_slices(context)
        return found

    def _check_slices(self, context: ResultContext) -> None:
        volume = context.volume
        if volume.shape[1:] != (self.rows, self.columns):
            raise ResultMismatch("The volume has other rows or columns than its source")
        indices = np.zeros((len(self.slices), 3))
        indices[:, 0] = list(self.slices.values())
        nearest_mm = 0.5 * volume.spacing_mm[0]  # beyond it, it would be another slice
        for (frame, index), place in zip(
            self.slices.items(), volume.positions_mm(indices), strict=True
        ):
            stated = self.frames[frame].image_position_patient if frame in self.frames else None
            if stated is None or float(np.linalg.norm(place - np.array(stated))) > nearest_mm:
                raise ResultMismatch(
                    "A slice of the volume is not where its source is", slice=index
                )
