"""Slices over HTTP: by number only, checked, for one browser alone."""

from __future__ import annotations

import json
import re
import zipfile

import numpy as np
import pytest

from radiology.image.slice_stack import INDEX, STEP_HU, unpack_voxels, voxels_entry
from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.list.ordinary_day import SEVERE, OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.seeded_slices import StudyWithSlices, study_with_slices


@pytest.fixture
def study(hospital: SeededHospital) -> StudyWithSlices:
    """Give a study whose slices were kept."""
    return study_with_slices(hospital)


def _address(study: StudyWithSlices, what: str = "") -> str:
    return f"/results/{study.result_id}/slices{what}"


def test_a_slice_arrives_as_it_was_kept(study: StudyWithSlices, visitor: Visitor) -> None:
    """The browser unpacks what the server only passes on; both have the same voxels."""
    facts = visitor.get(_address(study)).json()
    shape = (facts["rows"], facts["columns"])
    with zipfile.ZipFile(study.slices) as archive:
        expected = unpack_voxels(archive.read(voxels_entry(3)), shape)
    answer = visitor.get(_address(study, "/3/voxels"))
    assert answer.headers["content-encoding"] == "gzip"
    planes = np.frombuffer(answer.content, np.uint8).reshape(2, *shape).astype(np.uint16)
    differences = planes[0] | (planes[1] << np.uint16(8))
    differences[:, 0] = np.cumsum(differences[:, 0], dtype=np.uint16)
    steps = np.cumsum(differences, axis=1, dtype=np.uint16)
    assert np.array_equal(steps.astype(int) * STEP_HU + facts["lowest_hu"], expected)
    labels = visitor.get(_address(study, "/3/labels")).content
    assert len(labels) == shape[0] * shape[1]


def test_who_takes_no_gzip_gets_it_unpacked(study: StudyWithSlices, visitor: Visitor) -> None:
    """RFC 9110, 12.5.3: nobody gets an encoding that they did not ask for."""
    plain = visitor.get(_address(study, "/3/voxels"), {"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == visitor.get(_address(study, "/3/voxels")).content


@pytest.mark.parametrize("what", ["/3/voxels", "/3/labels", "/heat"])
def test_slices_are_kept_for_one_browser_alone(
    study: StudyWithSlices, visitor: Visitor, what: str
) -> None:
    """No cache between us and the reader keeps a patient's pictures."""
    kept = visitor.get(_address(study, what)).headers["cache-control"]
    assert "private" in kept
    assert "public" not in kept


@pytest.mark.parametrize(
    "address",
    [
        "/results/{id}/slices/40/voxels",  # there are 40, counted from 0
        "/results/{id}/slices/9999/labels",
        "/results/{id}/slices/10000/voxels",
        "/results/{id}/slices/-1/voxels",
        "/results/{id}/slices/1e2/voxels",
        "/results/{id}/slices/../index.json/voxels",
        "/results/{id}/slices/%2e%2e/voxels",
        "/results/99/slices",
        "/results/0/slices",
        "/results/99999999999999999999/slices/0/voxels",
        "/results/{id}/slices/0/index.json",
    ],
)
def test_numbers_from_the_network_are_checked(
    study: StudyWithSlices, visitor: Visitor, address: str
) -> None:
    """What is not there is not found, and what is no number is no address."""
    answer = visitor.get(address.format(id=study.result_id))
    assert answer.status_code in (400, 404)


def test_the_first_slice_is_asked_for_before_any_script_runs(
    study: StudyWithSlices, visitor: Visitor
) -> None:
    """The page names what the viewer will fetch: the index and the key slice, which are there."""
    page = visitor.get(f"/studies/{study.uid}").text
    head = page[: page.index("</head>")]
    ahead = re.findall(r'<link rel="preload" as="fetch" crossorigin href="([^"]+)"', head)
    key = visitor.get(_address(study)).json()["key"]
    assert ahead == [_address(study, one) for one in ("", f"/{key}/voxels", f"/{key}/labels")]
    assert [visitor.get(one).status_code for one in ahead] == [200, 200, 200]


def test_results_without_slices(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, visitor: Visitor
) -> None:
    """A result from before slices were kept, and one that was refused, have none."""
    for number in range(1, 9):
        assert visitor.get(f"/results/{number}/slices").status_code == 404
    assert "are not kept" in visitor.text(f"/studies/{ordinary_day.urgent}")
    assert "was not analysed" in visitor.text(f"/studies/{ordinary_day.refused}")
    assert "no result yet" in visitor.text(f"/studies/{ordinary_day.queued}")
    assert 'as="fetch"' not in visitor.get(f"/studies/{ordinary_day.urgent}").text


def test_each_result_has_its_own_slices(hospital: SeededHospital, visitor: Visitor) -> None:
    """The page shows those of the newest version; the earlier ones stay under their number."""
    first = study_with_slices(hospital)
    second = study_with_slices(hospital, into=first.uid)
    html = visitor.get(f"/studies/{first.uid}").text
    assert f'data-result="{second.result_id}"' in html
    assert f'data-result="{first.result_id}"' not in html
    assert visitor.get(_address(first)).status_code == 200


@pytest.mark.parametrize("damage", ["cut", "no archive", "another version", "packed", "a link"])
def test_damaged_files_are_not_there(study: StudyWithSlices, visitor: Visitor, damage: str) -> None:
    """Whatever happened to a file, the answer is "not there", never half of it or another one."""
    path = study.slices
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "no archive":
        path.write_bytes(b"PK")
    elif damage == "a link":
        outside = path.parents[2] / "elsewhere.slices.zip"
        path.rename(outside)
        path.symlink_to(outside)
    else:
        with zipfile.ZipFile(path) as archive:
            facts = json.loads(archive.read(INDEX))
        method = zipfile.ZIP_DEFLATED if damage == "packed" else zipfile.ZIP_STORED
        facts["version"] += damage == "another version"
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr(INDEX, json.dumps(facts))
    assert visitor.get(_address(study)).status_code == 404
    assert visitor.get(_address(study, "/0/voxels")).status_code == 404


def test_a_result_without_a_picture_has_no_slices(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """No lungs were found: there is neither."""
    _, claim = hospital.claimed()
    result_id = hospital.answer(claim, Urgency.SUSPECTED, SEVERE, picture=False)
    assert visitor.get(f"/results/{result_id}/slices").status_code == 404
