"""Which work items match an identifier."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from dicom_node.work_items.matching import answer_of, keys_of, matches, wildcard_matches
from radiology.work_item import WorkItemState


def data_set(**values: object) -> Dataset:
    """A data set with these elements."""
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


@given(
    text=st.text("ab", max_size=8),
    pattern=st.text("ab*?", max_size=8),
)
def test_wildcards_mean_what_a_regular_expression_means(text: str, pattern: str) -> None:
    """`*` is any number of characters, `?` is one."""
    meant = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    assert wildcard_matches(text, pattern) is bool(re.fullmatch(meant, text))


def test_no_pattern_takes_long() -> None:
    """A pattern that would keep a regular expression busy for ever is answered at once."""
    begun = time.monotonic()
    assert not wildcard_matches("a" * 64, "*a" * 200 + "b")
    assert time.monotonic() - begun < 1.0


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("20260101120000", True),
        ("20260101120000+0000", True),
        ("20260101130000+0100", True),
        ("20260101120000+0100", False),
        ("20260101", True),
        ("202601", True),
        ("2026", True),
        ("2025", False),
        ("20260101-", True),
        ("20260102-", False),
        ("-20260101", True),
        ("-20251231", False),
        ("20251231-20260101", True),
        ("2027-2028", False),
        ("-", False),
        ("noon", False),
        ("99999999", False),
        ("0001-9999", True),
    ],
)
def test_moments(wanted: str, expected: bool) -> None:
    """A DT of any precision, a range open at either end, an offset from UTC, and nonsense."""
    item = data_set(ScheduledProcedureStepStartDateTime="20260101120000+0000")
    identifier = Dataset()
    identifier.add_new("ScheduledProcedureStepStartDateTime", "LO", wanted)
    assert matches(item, identifier) is expected


def test_sequences_and_unknown_keys() -> None:
    """One item must match as a whole; a key that is not known is answered empty, and told."""
    item = data_set(
        SpecificCharacterSet="",
        SOPClassUID="1.2",
        SOPInstanceUID="1.3",
        ReferencedRequestSequence=[
            data_set(AccessionNumber="A1", StudyInstanceUID="2.25.1"),
            data_set(AccessionNumber="A2", StudyInstanceUID="2.25.2"),
        ],
    )
    one = data_set(AccessionNumber="A2", StudyInstanceUID="2.25.2")
    mixed = data_set(AccessionNumber="A1", StudyInstanceUID="2.25.2")
    assert matches(item, data_set(ReferencedRequestSequence=[one]))
    assert not matches(item, data_set(ReferencedRequestSequence=[mixed]))
    assert matches(item, data_set(ReferencedRequestSequence=[Dataset()]))
    assert matches(item, data_set(PatientAge="060Y"))
    answer, all_known = answer_of(item, data_set(PatientAge="060Y"))
    assert answer.PatientAge == ""
    assert not all_known


@pytest.mark.parametrize(
    ("key", "asked", "expected"),
    [
        ("ExpectedCompletionDateTime", "", True),
        ("ExpectedCompletionDateTime", "2026-", False),
        ("ScheduledHumanPerformersSequence", [], True),
        ("ScheduledHumanPerformersSequence", [data_set(HumanPerformerName="*")], True),
        ("ScheduledHumanPerformersSequence", [data_set(HumanPerformerName="A")], False),
        ("ReplacedProcedureStepSequence", [data_set(ReferencedSOPInstanceUID="2.25.1")], False),
        ("ReferencedRequestSequence", [data_set(RequestingService="ER")], False),
    ],
)
def test_required_keys_that_we_have_no_value_of(key: str, asked: object, expected: bool) -> None:
    """PS3.4 Table CC.2.5-3 wants them matched: whoever asks for a value finds nothing."""
    item = data_set(
        SpecificCharacterSet="",
        SOPClassUID="1.2",
        SOPInstanceUID="1.3",
        ReferencedRequestSequence=[data_set(AccessionNumber="A1")],
    )
    identifier = data_set(**{key: asked})
    assert matches(item, identifier) is expected
    answer, all_known = answer_of(item, identifier)
    assert key in answer
    assert all_known


def test_what_the_database_looks_for() -> None:
    """Plain single values only: wildcards, lists and nonsense are left to `matches`."""
    keys = keys_of(
        data_set(
            ProcedureStepState="SCHEDULED",
            ScheduledProcedureStepPriority="URGENT",
            PatientID="P*",
            ScheduledProcedureStepStartDateTime="2026-",
        )
    )
    assert keys.state is WorkItemState.SCHEDULED
    assert keys.priority is None
    assert keys.patient_id is None
    assert keys.scheduled_from is not None
    assert keys.scheduled_from.year == 2026
    assert keys.scheduled_until is None
    hostile = Dataset()
    hostile.add_new("PatientID", "LO", "a\0b")
    hostile.add_new("ScheduledProcedureStepStartDateTime", "LO", "0001-")
    assert keys_of(hostile).patient_id is None
