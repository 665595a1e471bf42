"""What our work items say, against PS3.4 Table CC.2.5-3 as it is written down here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydicom.dataset import Dataset

from dicom_node.work_items.attributes import change_data_set, creation_data_set
from dicom_node.work_items.transitions import meets_final_state
from radiology.work_item import WorkItem, WorkItemInput, WorkItemPriority, WorkItemState
from tests.peers.dicom.worklist_client import code, performed_step

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ITEM = WorkItem(
    sop_instance_uid="2.25.1",
    study_instance_uid="2.25.2",
    patient_id="P1",
    issuer_of_patient_id="HOSPITAL",
    patient_sex="F",
    accession_number="A1",
    priority=WorkItemPriority.HIGH,
    scheduled_at=NOON,
    modified_at=NOON,
    inputs=(WorkItemInput("2.25.3", (("1.2.840.10008.5.1.4.1.1.88.34", "2.25.4"),)),),
    retrieve_ae_title="PACS",
)
NOTHING_KNOWN = replace(
    ITEM,
    patient_id="",
    issuer_of_patient_id="",
    patient_sex="",
    accession_number="",
    inputs=(),
    retrieve_ae_title="",
)


def test_the_step_is_called_after_what_was_read() -> None:
    """Before a bundle has read the study nobody knows what it is; a title is cut to an LO."""
    assert creation_data_set(ITEM).ProcedureStepLabel == "Read study"
    head = replace(ITEM, title="head CT")
    assert creation_data_set(head).ProcedureStepLabel == "Read head CT"
    assert len(replace(ITEM, title="x" * 99).step_label) == 64


# Requirement of the SCU at N-CREATE: 1 present with a value, 2 present
CREATE_1 = (
    "ScheduledProcedureStepPriority",
    "ProcedureStepLabel",
    "ScheduledProcedureStepStartDateTime",
    "InputReadinessState",
    "ProcedureStepState",
)
CREATE_2 = (
    "TransactionUID",
    "WorklistLabel",
    "ScheduledProcessingParametersSequence",
    "ScheduledStationNameCodeSequence",
    "ScheduledStationClassCodeSequence",
    "ScheduledStationGeographicLocationCodeSequence",
    "ScheduledWorkitemCodeSequence",
    "CommentsOnTheScheduledProcedureStep",
    "InputInformationSequence",
    "PatientName",
    "IssuerOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "OtherPatientIDsSequence",
    "PatientBirthDate",
    "PatientSex",
    "AdmissionID",
    "IssuerOfAdmissionIDSequence",
    "AdmittingDiagnosesDescription",
    "AdmittingDiagnosesCodeSequence",
    "ReferencedRequestSequence",
    "ProcedureStepProgressInformationSequence",
    "UnifiedProcedureStepPerformedProcedureSequence",
)
EMPTY_AT_CREATION = (
    "TransactionUID",
    "ProcedureStepProgressInformationSequence",
    "UnifiedProcedureStepPerformedProcedureSequence",
)
REQUEST_2 = (
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "OrderPlacerIdentifierSequence",
    "OrderFillerIdentifierSequence",
    "RequestedProcedureID",
    "RequestedProcedureDescription",
    "RequestedProcedureCodeSequence",
)
NOT_ALLOWED_AT_CREATION = ("SOPInstanceUID",)
# N-SET: what may be changed, and what may then be empty
SET_NOT_EMPTY = (
    "SpecificCharacterSet",
    "ScheduledProcedureStepPriority",
    "ScheduledProcedureStepModificationDateTime",
    "InputReadinessState",
    "CommentsOnTheScheduledProcedureStep",
)
SET_MAY_BE_EMPTY = ("InputInformationSequence",)


@pytest.mark.parametrize("item", [ITEM, NOTHING_KNOWN], ids=["known", "nothing known"])
def test_what_creating_requires(item: WorkItem) -> None:
    """Types 1 and 2 are there, types 1 and 3 are never empty, whatever is known of the study."""
    data_set = creation_data_set(item)
    assert all(data_set.get(keyword) for keyword in CREATE_1)
    assert all(keyword in data_set for keyword in CREATE_2)
    assert not any(data_set[keyword].value for keyword in EMPTY_AT_CREATION)
    assert not any(keyword in data_set for keyword in NOT_ALLOWED_AT_CREATION)
    (request,) = data_set.ReferencedRequestSequence
    assert request.StudyInstanceUID == "2.25.2"
    assert all(keyword in request for keyword in REQUEST_2)
    _none_else_is_empty(data_set, (*CREATE_2, "PatientID"))
    _none_else_is_empty(request, REQUEST_2)


def test_an_input_says_where_it_is() -> None:
    """Table CC.2.5-2c: type, study, series, instances, and one way of retrieval."""
    (named,) = creation_data_set(ITEM).InputInformationSequence
    assert [element.keyword for element in named] == [
        "ReferencedSOPSequence",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "TypeOfInstances",
        "DICOMRetrievalSequence",
    ]
    _none_else_is_empty(named, ())


@pytest.mark.parametrize("comments", ["", "There is a newer result"])
def test_what_setting_allows(comments: str) -> None:
    """Only what N-SET may change, and nothing empty that must have a value."""
    data_set = change_data_set(replace(NOTHING_KNOWN, comments=comments))
    assert {element.keyword for element in data_set} <= {*SET_NOT_EMPTY, *SET_MAY_BE_EMPTY}
    _none_else_is_empty(data_set, SET_MAY_BE_EMPTY)


def test_what_a_final_state_requires() -> None:
    """Codes P and X: each that is missing or empty keeps from completing, none from canceling."""

    def performed(**changes: object) -> Dataset:
        step, made = performed_step(), Dataset()
        for keyword, value in changes.items():
            setattr(step, keyword, value)
        made.UnifiedProcedureStepPerformedProcedureSequence = [step]
        return made

    assert meets_final_state(performed(), WorkItemState.COMPLETED)
    station = [code("R1", "99SITE", "Reading room 1")]
    assert meets_final_state(
        performed(PerformedStationNameCodeSequence=station), WorkItemState.COMPLETED
    )
    for keyword in (
        "PerformedStationNameCodeSequence",
        "PerformedWorkitemCodeSequence",
        "PerformedProcedureStepStartDateTime",
        "PerformedProcedureStepEndDateTime",
    ):
        empty = performed(**{keyword: [] if keyword.endswith("Sequence") else ""})
        assert not meets_final_state(empty, WorkItemState.COMPLETED)
        assert meets_final_state(empty, WorkItemState.CANCELED)
    without_output = performed()
    del without_output.UnifiedProcedureStepPerformedProcedureSequence[0].OutputInformationSequence
    assert not meets_final_state(without_output, WorkItemState.COMPLETED)
    assert not meets_final_state(Dataset(), WorkItemState.COMPLETED)
    assert meets_final_state(Dataset(), WorkItemState.CANCELED)


def _none_else_is_empty(data_set: Dataset, may_be: tuple[str, ...]) -> None:
    empty = {element.keyword for element in data_set if not element.value}
    assert empty <= set(may_be)
