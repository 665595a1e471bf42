"""QIDO-RS: what is found, what of it is said, and what is said where it is not all."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import DeflatedExplicitVRLittleEndian
from structlog.testing import capture_logs

from settings.environment import Settings
from tests.builders.stored.held_study import hold_instances
from tests.unit.dicom_node.small_ct import SERIES, STUDY
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.dicomweb.small_study import (
    RESULT_SERIES,
    ROOT,
    SmallStudy,
    remove_originals,
    remove_results,
    slices,
)
from tests.unit.worklist.seeding import SeededHospital
from worklist.dicomweb.search.matching import is_like


@pytest.fixture
def studies(hospital: SeededHospital, site: Settings, study: SmallStudy) -> None:
    """Give two more studies, of which one was only fetched to compare with."""
    for number, asked_for in ((2, False), (3, True)):
        others = slices(
            2,
            StudyInstanceUID=f"2.25.{number}",
            SeriesInstanceUID=f"2.25.{number}.1",
            PatientID="P2",
            PatientName="Wu^Li=吴^丽",
            SpecificCharacterSet="GB18030",
            StudyDate="20251231",
            AccessionNumber=f"A{number}",
        )
        for index, one in enumerate(others):
            one.SOPInstanceUID = f"2.25.{number}.1.{index}"
        later = hospital.now + timedelta(seconds=number)
        hold_instances(site, hospital.engine, others, now=later, asked_for=asked_for)


def _found(web: Visitor, address: str, tag: str = "0020000D") -> list[Any]:
    answer = web.get(ROOT + address, {"Accept": "application/dicom+json"})
    if answer.status_code == 204:
        assert not answer.content
        return []
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/dicom+json"
    return [one[tag]["Value"][0] for one in answer.json()]


def test_a_study_says_what_the_standard_demands(web: Visitor, study: SmallStudy) -> None:
    """Table 10.6.3-3, with what is counted over originals and results."""
    (found,) = web.get(f"{ROOT}/studies").json()
    said = {tag: value.get("Value") for tag, value in found.items()}
    assert said["00080020"] == ["20260102"]
    assert said["00080030"] == ["101530"]
    assert said["00080050"] == ["A1"]
    assert said["00080056"] == ["ONLINE"]
    assert said["00080061"] == ["CT", "OT"]
    assert said["00100010"] == [{"Alphabetic": "Not^To^Be^Logged"}]
    assert said["00100020"] == ["P1"]
    assert said["00100030"] == ["19010203"]
    assert said["00100040"] == ["F"]
    assert said["0020000D"] == [STUDY]
    assert said["00200010"] == ["S1"]
    assert said["00201206"] == [2]
    assert said["00201208"] == [4]
    assert said["00081190"] == [f"http://127.0.0.1:8470/dicom-web/studies/{STUDY}"]
    assert "7FE00010" not in said


def test_series_and_instances_say_theirs(web: Visitor, study: SmallStudy) -> None:
    """Tables 10.6.3-4 and -5; beyond a study also what its study says."""
    first, second = web.get(f"{study.address}/series").json()
    assert first["00080060"]["Value"] == ["CT"]
    assert first["0020000E"]["Value"] == [SERIES]
    assert first["00200011"]["Value"] == [4]
    assert first["00201209"]["Value"] == [3]
    assert "00100010" not in first
    assert second["0020000E"]["Value"] == [RESULT_SERIES]
    anywhere = web.get(f"{ROOT}/series?Modality=OT").json()
    assert [one["00100020"]["Value"] for one in anywhere] == [["P1"]]
    instances = web.get(f"{study.series}/instances").json()
    assert [one["00200013"]["Value"] for one in instances] == [[1], [2], [3]]
    assert {one["00280010"]["Value"][0] for one in instances} == {16}
    assert len(web.get(f"{study.address}/instances").json()) == 4
    assert len(web.get(f"{ROOT}/instances?InstanceNumber=2").json()) == 1


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", ["2.25.2", STUDY]),  # the newest first; what was only fetched is not listed
        (f"StudyInstanceUID={STUDY},2.25.3", ["2.25.3", STUDY]),  # but found by its UID
        ("PatientID=P1", [STUDY]),
        ("PatientID=p1", []),
        ("PatientID=P?", ["2.25.2", STUDY]),
        ("00100020=*2", ["2.25.2"]),
        ("PatientName=wu*", ["2.25.2"]),
        ("PatientName=吴^丽", ["2.25.2"]),
        ("PatientName=Wu^Li^", ["2.25.2"]),
        ("PatientName=Wu", []),
        ("PatientName=", ["2.25.2", STUDY]),
        ("StudyDate=20260102", [STUDY]),
        ("StudyDate=20260101-", [STUDY]),
        ("StudyDate=-20251231", ["2.25.2"]),
        ("StudyDate=20251231-20260102", ["2.25.2", STUDY]),
        ("StudyTime=10-1015", ["2.25.2", STUDY]),
        ("StudyTime=1016-", []),
        ("ModalitiesInStudy=OT", [STUDY]),
        ("ModalitiesInStudy=SR,OT", [STUDY]),
        ("ModalitiesInStudy=MR", []),
        ("StudyDescription=Thor*", ["2.25.2", STUDY]),
        ("ReferringPhysicianName=Nobody", []),
        ("RescaleIntercept=-1024.0", ["2.25.2", STUDY]),
        ("AccessionNumber=%25", []),
        ("AccessionNumber=A_", []),
    ],
)
def test_matching(web: Visitor, studies: None, asked: str, expected: list[str]) -> None:
    """PS3.4 Section C.2.2.2: single values, lists, wildcards, ranges, universal."""
    assert _found(web, f"/studies?{asked}") == expected


def test_pages_follow_each_other(web: Visitor, study: SmallStudy) -> None:
    """Each record once, in the same order whatever the size of the page."""
    pages = [_found(web, f"/instances?limit=1&offset={at}", "00080018") for at in range(5)]
    assert [one for page in pages for one in page] == _found(web, "/instances", "00080018")
    assert pages[4] == []


def test_what_is_left_out_is_told(
    web: Visitor, study: SmallStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fuzzy matching is literal; our own limit, and a search that ends early, have a warning."""
    answer = web.get(f"{ROOT}/studies?PatientName=Not^To^Be^Logged&fuzzymatching=true")
    assert len(answer.json()) == 1
    assert "Only literal matching has been performed." in answer.headers["warning"]
    assert "warning" not in web.get(f"{ROOT}/instances?limit=1").headers
    monkeypatch.setattr("worklist.dicomweb.search.question.MOST_RESULTS", 2)
    few = web.get(f"{ROOT}/instances?limit=3")
    assert len(few.json()) == 2
    assert "exceeded the maximum supported by the server" in few.headers["warning"]
    monkeypatch.setattr("worklist.dicomweb.search.answer._MOST_FILES", 0)
    early = web.get(f"{ROOT}/studies?StudyDescription=nothing")
    assert early.status_code == 204
    assert "Narrow the search" in early.headers["warning"]


def test_what_went_by_its_age_is_not_found(
    web: Visitor, hospital: SeededHospital, study: SmallStudy
) -> None:
    """Nor looked for on the disk; what is left of a study is."""
    remove_originals(hospital, study)
    with capture_logs() as lines:
        assert _found(web, "/series", "0020000E") == [RESULT_SERIES]
        assert _found(web, "/studies", "00201208") == [1]
        remove_results(hospital, study)
        assert _found(web, "/studies") == []
        assert _found(web, f"/studies?StudyInstanceUID={STUDY}") == []
    assert [one["event"] for one in lines if one["log_level"] == "error"] == []


def test_a_search_among_lost_files_ends(
    web: Visitor, site: Settings, studies: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows whose files are lost count among what one search looks at: it does not go through all
    of them, and says so."""
    for path in site.data_folder.rglob("*.dcm"):
        path.unlink()
    monkeypatch.setattr("worklist.dicomweb.search.answer._MOST_FILES", 0)
    answer = web.get(f"{ROOT}/studies?StudyDescription=nothing")
    assert answer.status_code == 204
    assert "Narrow the search" in answer.headers["warning"]


def test_what_is_remembered_of_files_is_nothing_to_collect(
    web: Visitor, hospital: SeededHospital, site: Settings
) -> None:
    """Python's collector looks at every object that may refer to others: at some forty of each
    header, if headers were remembered as such."""
    images = 60
    hold_instances(site, hospital.engine, slices(images))
    asked = f"/studies/{STUDY}/series/{SERIES}/instances?PatientID=P1"
    assert _found(web, f"{asked}&limit=1", "00080018")
    before = _collectable()
    assert len(_found(web, asked, "00080018")) == images
    assert _collectable() - before < 20 * images


def _collectable() -> int:
    gc.collect()
    return len(gc.get_objects())


def test_an_answer_has_a_largest_size(
    web: Visitor, study: SmallStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of headers of a megabyte each would fill the memory: the answer ends earlier, says
    so whatever limit was asked for, and goes on at its offset."""
    monkeypatch.setattr("worklist.dicomweb.search.answer._MOST_BYTES", 3000)
    asked = f"{ROOT}/instances?includefield=all&limit=4"
    first = web.get(asked)
    assert 1 <= len(first.json()) < 4
    assert "Additional results can be requested" in first.headers["warning"]
    found = first.json()
    while len(found) < 4:
        found += web.get(f"{asked}&offset={len(found)}").json()
    assert len({one["00080018"]["Value"][0] for one in found}) == 4


def test_a_damaged_file_does_not_end_a_search(web: Visitor, study: SmallStudy) -> None:
    """The others are found, and the answer says that something is missing."""
    study.files[1].write_bytes(b"damaged")
    answer = web.get(f"{study.series}/instances")
    assert [one["00200013"]["Value"] for one in answer.json()] == [[1], [3]]
    assert "could not be read" in answer.headers["warning"]


@pytest.mark.parametrize(
    "asked",
    [
        "/studies?PatientName=Wu*",
        "/instances?includefield=PatientAge",
        "/instances?includefield=all",
        "/series?WindowCenter=",
    ],
)
def test_a_search_inflates_the_beginning_alone(
    web: Visitor, hospital: SeededHospital, site: Settings, asked: str
) -> None:
    """Some kilobytes on the disk that promise forty megabytes cost a search one; what stands before
    it is found as ever, and what goes on behind it is left out."""
    (original,) = slices(1, PatientName="Wu^Li=吴^丽", SpecificCharacterSet="GB18030")
    original.add_new(0x00311001, "OB", bytes(40_000_000))
    original.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    hold_instances(site, hospital.engine, [original])
    tracemalloc.start()
    try:
        (found, *_) = web.get(ROOT + asked).json()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 15_000_000
    assert found["0020000D"]["Value"] == [STUDY]
    if "PatientName" in asked:
        assert found["00100010"]["Value"] == [{"Alphabetic": "Wu^Li", "Ideographic": "吴^丽"}]
    if "include" in asked:
        assert found["00101010"]["Value"] == ["061Y"]
    assert "00311001" not in found


def test_more_attributes_on_demand(web: Visitor, study: SmallStudy) -> None:
    """By keyword, by tag, and all of them; a nested key looks into sequences."""
    (found,) = web.get(f"{ROOT}/studies?includefield=PatientAge,00181030&limit=1").json()
    assert found["00101010"]["Value"] == ["061Y"]
    (found, *_) = web.get(f"{ROOT}/instances?includefield=all").json()
    assert found["00281052"]["Value"] == [-1024]
    assert "BulkDataURI" in found["7FE00010"]
    nested = "RequestAttributesSequence.ScheduledProcedureStepID=X"
    assert _found(web, f"/series?{nested}") == []


@pytest.mark.parametrize(
    "asked",
    [
        "PatientNme=x",
        "limit=-1",
        "limit=many",
        "limit=99999999999999999999",
        "offset=1e9",
        "StudyInstanceUID=1.2.3'--",
        "StudyInstanceUID=" + "1" * 65,
        "PatientID=" + "*a" * 11,
        "PatientID=" + "x" * 2000,
        "PatientID=a&PatientID=b",
        "RequestAttributesSequence=x",
        "includefield=Everything",
        "StudyDate=2026*",  # no wildcards in dates (C.2.2.2.4)
        "&".join(f"PatientID{number}=x" for number in range(60)),
    ],
)
def test_a_wrong_search_is_refused(web: Visitor, study: SmallStudy, asked: str) -> None:
    """400 with what is wrong: a search that ignores a word finds what nobody asked for."""
    answer = web.get(f"{ROOT}/studies?{asked}")
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert asked not in answer.text


@given(text=st.text("ab", max_size=12), pattern=st.text("ab*?", max_size=12))
def test_wildcards_are_those_of_the_standard(text: str, pattern: str) -> None:
    """The same as by the definition: each * stands for some beginning of the rest."""

    def by_definition(rest: str, of_pattern: str) -> bool:
        if not of_pattern:
            return not rest
        if of_pattern[0] == "*":
            return any(by_definition(rest[at:], of_pattern[1:]) for at in range(len(rest) + 1))
        return (
            bool(rest)
            and of_pattern[0] in ("?", rest[0])
            and by_definition(rest[1:], of_pattern[1:])
        )

    assert is_like(text, pattern) == by_definition(text, pattern)


def test_a_hostile_pattern_takes_no_time() -> None:
    """What would take a backtracking matcher for ever."""
    assert not is_like("a" * 1000, "*a" * 200 + "b")
