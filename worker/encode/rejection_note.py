"""Rejection note: says that objects of ours are no longer valid, and why.

PS3.3 A.35.4 (Key Object Selection Document IOD), PS3.16 TID 2010 and CID 7010 (titles). What an
archive and a viewer do with it is IHE Imaging Object Change Management (IOCM): they hide what it
names.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime

from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from radiology.codes import Code
from radiology.identity import derived_uid
from worker.encode.coded_concepts import coded
from worker.encode.derived_object import DISCLAIMER, EncodedKind, EncodedObject, on_clock_of
from worker.encode.neutral_instance import BLANK_KEYWORDS
from worker.encode.patient_and_study import patient_and_study
from worker.encode.source_study import timezone_offset

_DESCRIPTION = "Rejected AI results (Firstread)"
_FIRST_SERIES_NUMBER = 9006  # beside the series of the first version; ten numbers per version


def encode_rejection_note(
    rejected: Sequence[Dataset],
    title: Code,
    *,
    rejected_at: datetime,
    result_version: int,
) -> EncodedObject:
    """Encode the note that rejects every object of one result.

    Parameters
    ----------
    rejected : the objects, of one study, without pixels
    title : why, from CID 7010
    rejected_at : the same each time that the note is made: it is part of the bytes
    result_version : of the result that is rejected

    Returns
    -------
    In the study of the objects, in a series of its own, with UIDs that follow from the objects and
    the title: made twice, it is the same instance.
    """
    first = rejected[0]
    # The study's date and time are copied, so that ours are on the same clock.
    rejected_at = on_clock_of(timezone_offset(first), rejected_at)
    identity = (title.value, *sorted(str(one.SOPInstanceUID) for one in rejected))
    stand_ins = [_stand_in(one) for one in rejected]
    note = KeyObjectSelectionDocument(
        evidence=stand_ins,
        content=KeyObjectSelection(coded(title), stand_ins, description=DISCLAIMER),
        series_instance_uid=derived_uid("series", EncodedKind.KO, *identity),
        series_number=_FIRST_SERIES_NUMBER + 10 * (result_version - 1),
        sop_instance_uid=derived_uid("instance", EncodedKind.KO, *identity),
        instance_number=result_version,
        manufacturer=str(first.get("Manufacturer", "")),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        series_description=_DESCRIPTION,
        manufacturer_model_name=str(first.get("ManufacturerModelName", "")),
        software_versions=first.get("SoftwareVersions"),
        device_serial_number=str(first.get("DeviceSerialNumber", "")),
        content_date=rejected_at.strftime("%Y%m%d"),
        content_time=rejected_at.strftime("%H%M%S"),
        series_date=rejected_at.strftime("%Y%m%d"),
        series_time=rejected_at.strftime("%H%M%S"),
    )
    return EncodedObject(EncodedKind.KO, _settle(note, first, rejected_at), EncodedKind.KO)


def _settle(note: Dataset, first: Dataset, rejected_at: datetime) -> Dataset:
    """Put in the patient and study of the objects, and the time in place of the clock's."""
    settled = Dataset()
    settled.update({element.tag: element for element in note})
    settled.file_meta = note.file_meta
    settled.preamble = b"\0" * 128
    settled.InstanceCreationDate = rejected_at.strftime("%Y%m%d")
    settled.InstanceCreationTime = rejected_at.strftime("%H%M%S")
    for element in patient_and_study(first):
        settled.add(deepcopy(element))
    offset = timezone_offset(first)
    if offset is not None:
        settled.TimezoneOffsetFromUTC = offset
    return settled


def _stand_in(rejected: Dataset) -> Dataset:
    """A rejected object as highdicom may see it: it copies, checks and logs what it is given."""
    stand_in = Dataset()
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(stand_in, keyword, rejected[keyword].value)
    for keyword in ("Rows", "Columns"):  # what tells an image from a document
        if keyword in rejected:
            setattr(stand_in, keyword, rejected[keyword].value)
    for keyword in BLANK_KEYWORDS:
        setattr(stand_in, keyword, "")
    return stand_in
