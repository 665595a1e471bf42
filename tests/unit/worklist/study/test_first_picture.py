"""The picture on the study page before its viewer: of this result, this slice, this window."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from database.results.withdrawals import mark_withdrawn
from database.session import transaction
from database.states import RejectionReason
from radiology.image.slice_stack import (
    INDEX,
    labels_entry,
    unpack_labels,
    unpack_voxels,
    voxels_entry,
)
from tests.builders.stored.flags import NOBODY
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.seeded_slices import StudyWithSlices, study_with_slices


@pytest.fixture
def study(hospital: SeededHospital) -> StudyWithSlices:
    """Give a study whose slices were kept."""
    return study_with_slices(hospital)


def _shown(visitor: Visitor, study: StudyWithSlices) -> ElementTree.Element:
    """What stands in the place of the picture; its head names the same address."""
    page = visitor.get(f"/studies/{study.uid}").text
    ahead = re.findall(r'<link rel="preload" as="image" [^>]*href="([^"]+)"', page)
    found = re.search(r'<svg class="viewer-first".*?</svg>', page, re.DOTALL)
    assert found is not None
    svg = ElementTree.fromstring(found[0])
    assert [one.attrib["href"] for one in svg.iter("image")] == ahead
    return svg


def _address(visitor: Visitor, study: StudyWithSlices) -> str:
    return next(_shown(visitor, study).iter("image")).attrib["href"]


def _pixels(visitor: Visitor, address: str) -> NDArray[np.uint8]:
    answer = visitor.get(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert "private" in answer.headers["cache-control"]
    with Image.open(io.BytesIO(answer.content)) as picture:
        return np.asarray(picture)


def _kept(
    study: StudyWithSlices,
) -> tuple[dict[str, Any], NDArray[np.float32], NDArray[np.uint8]]:
    with zipfile.ZipFile(study.slices) as archive:
        facts = json.loads(archive.read(INDEX))
        shape = (facts["rows"], facts["columns"])
        voxels = unpack_voxels(archive.read(voxels_entry(facts["key"])), shape)
        return facts, voxels, unpack_labels(archive.read(labels_entry(facts["key"])), shape)


def test_it_is_the_key_slice_in_its_window(study: StudyWithSlices, visitor: Visitor) -> None:
    """Each pixel has the grey level that PS3.3 C.11.2.1.2.1 says, pixel by pixel."""
    facts, voxels, _ = _kept(study)
    level, width = facts["window_hu"]
    below = voxels <= level - 0.5 - (width - 1) / 2
    above = voxels > level - 0.5 + (width - 1) / 2
    between = ((voxels - (level - 0.5)) / (width - 1) + 0.5) * 255
    svg = _shown(visitor, study)
    pixels = _pixels(visitor, _address(visitor, study))
    assert (pixels[below] == 0).all()
    assert (pixels[above] == 255).all()
    inside = ~below & ~above
    assert inside.sum() > 1000
    assert np.abs(pixels[inside] - between[inside]).max() <= 0.5
    _, _, wide, high = map(float, svg.attrib["viewBox"].split())
    assert wide == pytest.approx(facts["columns"] * facts["column_mm"])
    assert high == pytest.approx(facts["rows"] * facts["row_mm"])


def test_what_is_outlined_is_what_was_found(study: StudyWithSlices, visitor: Visitor) -> None:
    """A line of a finding's colour goes around its pixels and no others: filled, it gives them."""
    facts, _, labels = _kept(study)
    svg = _shown(visitor, study)
    drawn = {one.attrib["stroke"]: one.attrib["d"] for one in svg.iter("path")}
    there = [
        one for one in facts["regions"] if one["is_finding"] and (labels == one["label"]).sum() > 20
    ]
    assert there
    for region in there:
        mask = labels == region["label"]
        filled = _filled(drawn[region["colour"]], mask.shape)
        # Through the middles of edges corners are cut: a pixel's share is what may differ.
        assert (filled != mask).sum() <= 0.1 * mask.sum() + 8
        assert not (filled & ~_grown(mask)).any()


def _filled(path: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels within the lines of a path, by their middles; inner lines are holes."""
    rows, columns = shape
    inside = np.zeros((2 * rows, 2 * columns), np.bool_)
    for line in re.findall(r"M([^z]+)z", path):
        start, steps = line.split("l")
        moves = [tuple(map(int, start.split())), *_pairs(steps)]
        points = [tuple(map(int, one)) for one in np.cumsum(moves, axis=0)]
        drawn = Image.new("1", (2 * columns, 2 * rows))
        ImageDraw.Draw(drawn).polygon(points, fill=1)
        inside ^= np.asarray(drawn)
    return inside[1::2, 1::2]


def _pairs(steps: str) -> list[tuple[int, ...]]:
    numbers = [int(one) for one in steps.split()]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    grown = mask.copy()
    for axis in (0, 1):
        grown |= np.roll(mask, 1, axis) | np.roll(mask, -1, axis)
    return grown


def test_the_page_says_what_it_shows(study: StudyWithSlices, visitor: Visitor) -> None:
    """Slice, height, window and what is found in it stand beside the picture, and as its text."""
    facts, _, _ = _kept(study)
    page = visitor.get(f"/studies/{study.uid}").text
    text = visitor.text(f"/studies/{study.uid}")
    said = f"Slice {facts['key'] + 1} of {facts['slices']}"
    assert said in text
    assert "W 1500 L −600" in text
    assert "holds a lesion" in text
    svg = _shown(visitor, study)
    assert re.fullmatch(rf"{said}, .*key slice", svg.attrib["aria-label"])
    assert svg.attrib["data-result"] == str(study.result_id)
    assert 'aria-busy="true"' in page
    assert '<div class="controls" inert>' in page


def test_a_withdrawn_result_is_not_outlined(
    study: StudyWithSlices, hospital: SeededHospital, visitor: Visitor
) -> None:
    """Nothing of what was found is drawn or said any more; the slice itself is there."""
    before = _shown(visitor, study)
    with transaction(hospital.engine) as session:
        mark_withdrawn(session, study.result_id, RejectionReason.QUALITY, NOBODY, hospital.now)
    after = _shown(visitor, study)
    assert list(before.iter("path"))
    assert not list(after.iter("path"))
    assert _pixels(visitor, _address(visitor, study)).any()
    assert "holds a lesion" not in after.attrib["aria-label"]
    assert "Withdrawn result: nothing is outlined" in visitor.text(f"/studies/{study.uid}")


def test_another_file_under_the_same_number_has_another_address(
    study: StudyWithSlices, hospital: SeededHospital, visitor: Visitor
) -> None:
    """What a browser kept of one file is never shown for the other, and the old address is gone."""
    before = _address(visitor, study)
    with zipfile.ZipFile(study.slices) as archive:
        entries = {one: archive.read(one) for one in archive.namelist()}
    facts = json.loads(entries[INDEX])
    entries[voxels_entry(facts["key"])] = entries[voxels_entry(0)]
    with zipfile.ZipFile(study.slices, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    hospital.now += timedelta(seconds=1)
    after = _address(visitor, study)
    assert after != before
    assert visitor.get(before).status_code == 404
    assert visitor.get(after).status_code == 200


@pytest.mark.parametrize("damage", ["no window", "a foreign colour", "no key slice", "cut"])
def test_what_is_damaged_is_not_shown(
    study: StudyWithSlices, visitor: Visitor, damage: str
) -> None:
    """No half of a picture, and nothing of the file in the page's own markup."""
    with zipfile.ZipFile(study.slices) as archive:
        entries = {one: archive.read(one) for one in archive.namelist()}
    facts = json.loads(entries[INDEX])
    if damage == "no window":
        del facts["window_hu"]
    elif damage == "no key slice":
        del entries[voxels_entry(facts["key"])]
    elif damage == "cut":
        entries[labels_entry(facts["key"])] = entries[labels_entry(facts["key"])][:9]
    else:
        facts["regions"][0]["colour"] = '"/><script>'
    entries[INDEX] = json.dumps(facts).encode()
    with zipfile.ZipFile(study.slices, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    page = visitor.get(f"/studies/{study.uid}")
    assert page.status_code == 200
    assert "viewer-first" not in page.text  # the viewer itself says what is wrong
    assert 'as="image"' not in page.text
    assert "<script>" not in page.text


def test_an_address_without_its_digest_is_none(study: StudyWithSlices, visitor: Visitor) -> None:
    """Nobody gets a picture that could be another one tomorrow."""
    slices = f"/results/{study.result_id}/slices"
    for address in ("first", "first?v=0", "first?v=000000000000000000000000"):
        assert visitor.get(f"{slices}/{address}").status_code in (400, 404)
