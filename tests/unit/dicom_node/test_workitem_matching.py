"""Which work items match an identifier."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from dicom_node.work_items.matching import answer_of, keys_of, matches, wildcard_matches
from radiology.work_item import WorkItemState

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("offset", "wanted", "expected"),
    [
        ("+0900", "20260101210000", True),
        ("+0900", "20260101120000", False),
        ("+0900", "20260101200000-20260101220000", True),
        ("+0900", "20260101110000-20260101130000", False),
        ("+0900", "20260101210000-", True),
        ("+0900", "20260101210001-", False),
        ("+0900", "20260101120000+0000", True),
        ("-0500", "2026010107", True),
        ("-1200", "20260101000000", True),
        ("+1400", "20260102", True),
        ("+0530", "202601011730", True),
        ("", "20260101120000", True),
        ("+0900", "0001-9999", True),
    ],
)
def test_the_identifier_says_on_which_clock_its_moments_are(
    offset: str, wanted: str, expected: bool
) -> None:
    """PS3.4 CC.2.8.1.3: (0008,0201) is of each DT without an offset; in the keys too."""
    item = data_set(ScheduledProcedureStepStartDateTime="20260101120000+0000")
    identifier = data_set(TimezoneOffsetFromUTC=offset)
    identifier.add_new("ScheduledProcedureStepStartDateTime", "LO", wanted)
    assert matches(item, identifier) is expected
    keys = keys_of(identifier)
    after = keys.scheduled_from is None or keys.scheduled_from <= NOON
    before = keys.scheduled_until is None or keys.scheduled_until >= NOON
    assert (after and before) is expected


def test_the_offset_reaches_into_sequences() -> None:
    """A DT within an item is on the same clock."""
    step = data_set(PerformedProcedureStepStartDateTime="20260101120000+0000")
    item = data_set(UnifiedProcedureStepPerformedProcedureSequence=[step])
    asked = Dataset()
    asked.add_new("PerformedProcedureStepStartDateTime", "LO", "20260101205959-20260101210001")
    identifier = data_set(
        TimezoneOffsetFromUTC="+0900", UnifiedProcedureStepPerformedProcedureSequence=[asked]
    )
    assert matches(item, identifier)


@pytest.mark.parametrize("offset", ["JST", "+09", "+09:00", "+2500", "0900"])
def test_an_offset_that_is_none_is_not_taken_for_utc(offset: str) -> None:
    """The request is refused rather than answered for another time."""
    with pytest.raises(ValueError, match="Timezone Offset"):
        keys_of(data_set(TimezoneOffsetFromUTC=offset))


def test_a_client_that_does_not_say_goes_by_the_clock_of_the_site() -> None:
    """Summer time included; an identifier that says goes by its own."""
    winter = data_set(ScheduledProcedureStepStartDateTime="20260101120000+0000")
    summer = data_set(ScheduledProcedureStepStartDateTime="20260701120000+0000")
    site = ZoneInfo("Europe/Berlin")

    def found(item: Dataset, wanted: str, **more: object) -> bool:
        identifier = data_set(**more)
        identifier.add_new("ScheduledProcedureStepStartDateTime", "LO", wanted)
        return matches(item, identifier, site)

    assert found(winter, "20260101130000")
    assert found(summer, "20260701140000")
    assert not found(summer, "20260701120000")
    assert found(summer, "20260701120000", TimezoneOffsetFromUTC="+0000")


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
