"""A stand-in for a source instance without patient data, which highdicom reads instead."""

from __future__ import annotations

from pydicom import Dataset

from worker.encode.derived_object import ResultContext
from worker.encode.source_study import SourceSlice

BLANK_KEYWORDS = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
)


def neutral_instance(context: ResultContext, source_slice: SourceSlice) -> Dataset:
    """A stand-in for a source instance that highdicom may see: it holds nothing of the patient.

    highdicom copies, checks and logs values of the images that it is given. Names that it finds
    odd would end in a log, and values that it does not expect would end the encoding; `settle`
    copies them untouched instead.
    """
    stand_in = Dataset()
    stand_in.SOPClassUID = source_slice.sop_class_uid
    stand_in.SOPInstanceUID = source_slice.sop_instance_uid
    stand_in.StudyInstanceUID = context.source.study_instance_uid
    stand_in.SeriesInstanceUID = context.source.series_instance_uid
    stand_in.FrameOfReferenceUID = context.source.frame_of_reference_uid
    stand_in.Modality = "CT"
    stand_in.Rows, stand_in.Columns = context.volume.shape[1:]
    for keyword in BLANK_KEYWORDS:
        setattr(stand_in, keyword, "")
    return stand_in
