"""A work item as a data set of the Unified Procedure Step information object.

PS3.3 Section B.26.2 and C.30 (modules), PS3.4 Table CC.2.5-3 (which attributes each service takes)
with its macros CC.2.5-2c (referenced instances) and CC.2.5-2e (issuer of patient ID). An attribute
of type 2 is sent empty where we know nothing, one of type 3/1 is left out: it must not be empty.
The scheduled workitem code is "Interpretation": CID 9231, which IHE AI Workflow for Imaging
(AIW-I) refers to. What we found is an input of it: its outputs are made by whoever reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from pydicom.dataset import Dataset

from radiology.work_item import (
    WORKLIST_LABEL,
    WorkItem,
    WorkItemInput,
    WorkItemState,
)

INTERPRETATION: Final = ("110005", "DCM", "Interpretation")  # CID 9231
UNSPECIFIED_REASON: Final = ("110513", "DCM", "Discontinued for unspecified reason")  # CID 9300

# PS3.4 Table CC.2.5-3: type 2 at creation, and nothing that we know
_EMPTY_TEXTS: Final = (
    "PatientName",
    "PatientBirthDate",
    "IssuerOfPatientID",
    "AdmissionID",
    "AdmittingDiagnosesDescription",
)
_EMPTY_SEQUENCES: Final = (
    "ScheduledStationNameCodeSequence",
    "ScheduledStationClassCodeSequence",
    "ScheduledStationGeographicLocationCodeSequence",
    "ScheduledProcessingParametersSequence",
    "AdmittingDiagnosesCodeSequence",
    "IssuerOfAdmissionIDSequence",
    "IssuerOfPatientIDQualifiersSequence",
    "OtherPatientIDsSequence",
    "ProcedureStepProgressInformationSequence",
    "UnifiedProcedureStepPerformedProcedureSequence",
)


def date_time(moment: datetime) -> str:
    """A DT with its offset, in UTC (PS3.5 Table 6.2-1)."""
    return f"{moment.astimezone(UTC):%Y%m%d%H%M%S}+0000"


def coded(code: tuple[str, str, str]) -> Dataset:
    """An item of a code sequence (PS3.3 Table 8.8-1)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code
    return item


def creation_data_set(item: WorkItem) -> Dataset:
    """What N-CREATE sends: everything that is known, and the empty rest that is required."""
    data_set = scheduled_data_set(item)
    data_set.TransactionUID = ""  # PS3.4 Table CC.2.5-3: present and empty at creation
    return data_set


def scheduled_data_set(item: WorkItem) -> Dataset:
    """A work item that nobody has taken, without its Transaction UID."""
    data_set = Dataset()
    data_set.SpecificCharacterSet = "ISO_IR 192"
    for keyword in _EMPTY_TEXTS:
        setattr(data_set, keyword, "")
    for keyword in _EMPTY_SEQUENCES:
        setattr(data_set, keyword, [])
    data_set.update(change_data_set(item))
    data_set.CommentsOnTheScheduledProcedureStep = item.comments
    data_set.PatientID = item.patient_id
    data_set.IssuerOfPatientID = item.issuer_of_patient_id
    data_set.PatientSex = item.patient_sex
    data_set.StudyInstanceUID = item.study_instance_uid
    data_set.ReferencedRequestSequence = [_request(item)]
    data_set.WorklistLabel = WORKLIST_LABEL
    data_set.ProcedureStepLabel = item.step_label
    data_set.ScheduledWorkitemCodeSequence = [coded(INTERPRETATION)]
    data_set.ScheduledProcedureStepStartDateTime = date_time(item.scheduled_at)
    data_set.ProcedureStepState = WorkItemState.SCHEDULED.value
    return data_set


def change_data_set(item: WorkItem) -> Dataset:
    """What N-SET sends when a newer result says something else: PS3.4 Table CC.2.5-3, N-SET."""
    data_set = Dataset()
    data_set.SpecificCharacterSet = "ISO_IR 192"
    data_set.ScheduledProcedureStepPriority = item.priority.value
    data_set.ScheduledProcedureStepModificationDateTime = date_time(item.modified_at)
    data_set.InputReadinessState = item.readiness.value
    data_set.InputInformationSequence = list(_inputs(item))
    if item.comments:  # type 3/1: not empty
        data_set.CommentsOnTheScheduledProcedureStep = item.comments
    return data_set


def cancel_data_set(reason: str) -> Dataset:
    """What N-ACTION "request cancel" sends (PS3.4 Table CC.2.2-1)."""
    data_set = Dataset()
    data_set.ReasonForCancellation = reason
    data_set.ProcedureStepDiscontinuationReasonCodeSequence = [coded(UNSPECIFIED_REASON)]
    return data_set


def state_data_set(state: WorkItemState, transaction_uid: str) -> Dataset:
    """What N-ACTION "change state" sends (PS3.4 Table CC.2.1-1)."""
    data_set = Dataset()
    data_set.ProcedureStepState = state.value
    data_set.TransactionUID = transaction_uid
    return data_set


def _request(item: WorkItem) -> Dataset:
    """PS3.3 Table C.30.4-1: what the work item was asked for by."""
    request = Dataset()
    request.StudyInstanceUID = item.study_instance_uid
    request.AccessionNumber = item.accession_number
    request.IssuerOfAccessionNumberSequence = []
    request.OrderPlacerIdentifierSequence = []
    request.OrderFillerIdentifierSequence = []
    request.RequestedProcedureID = ""
    request.RequestedProcedureDescription = ""
    request.RequestedProcedureCodeSequence = []
    return request


def _inputs(item: WorkItem) -> Iterable[Dataset]:
    """PS3.4 Table CC.2.5-2c: referenced instances, and where they are to be had from.

    Where no destination can be named, the retrieval is missing that the table asks for: the
    instances are named all the same, for clients that look in PACS by their UIDs.
    """
    return (_input(item, one) for one in item.inputs)


def _input(item: WorkItem, series: WorkItemInput) -> Dataset:
    data_set = Dataset()
    data_set.TypeOfInstances = "DICOM"
    data_set.StudyInstanceUID = item.study_instance_uid
    data_set.SeriesInstanceUID = series.series_instance_uid
    data_set.ReferencedSOPSequence = [_instance(*pair) for pair in series.instances]
    if item.retrieve_ae_title:
        retrieval = Dataset()
        retrieval.RetrieveAETitle = item.retrieve_ae_title
        data_set.DICOMRetrievalSequence = [retrieval]
    return data_set


def _instance(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = sop_class_uid
    reference.ReferencedSOPInstanceUID = sop_instance_uid
    return reference
