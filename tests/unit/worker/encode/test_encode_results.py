"""All result objects together: valid, repeatable, each in a series of its own."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from pydicom.uid import UID

from radiology.image.volume import SourceFrame
from tests.peers.dicom.dicom3tools import Checker
from tests.unit.worker.encode.encoded_chest import (
    ENHANCED,
    EVERY_KIND,
    ORIENTATIONS,
    Chest,
    ChestContext,
    encoded,
    remade,
    result_context,
    with_chest,
    written,
)
from worker.encode import EncodedKind, encode_results, encode_segmentation, render_key_picture


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("positive", ["SEG", "SR", "SC"]),
        ("negative", ["SR", "SC"]),
        ("not assessable", ["SR", "SC"]),
    ],
)
def test_which_objects_a_reading_gives(kind: str, expected: list[str]) -> None:
    """A negative is sent too, as report and picture; the segmentation only with findings."""
    assert list(encoded(kind)) == expected


def test_nothing_is_made_without_lungs() -> None:
    """Where no lungs were found there is nothing to show, by None or by empty label maps."""
    context = result_context("not assessable")
    nothing = with_chest(context, regions=None, figures={}, key_slice=None)
    assert encode_results(nothing) == ()
    empty = replace(context.regions, lungs=0 * context.regions.lungs)
    assert encode_results(with_chest(context, regions=empty, key_slice=None)) == ()


@EVERY_KIND
@ENHANCED
def test_dciodvfy_finds_no_error(kind: str, enhanced: bool, dciodvfy: Checker) -> None:
    """Each object keeps to its IOD; the one warning left is that ours is a private scheme."""
    for object_kind, dataset in encoded(kind, enhanced).items():
        report = dciodvfy(dataset)
        assert report.errors == ()
        unexpected = [line for line in report.warnings if "<99FIRSTREAD>" not in line]
        assert unexpected == []
        assert object_kind == "SR" or not report.warnings


@pytest.mark.parametrize("orientation", ["coronal", "oblique"])
def test_dciodvfy_finds_no_error_in_any_orientation(orientation: str, dciodvfy: Checker) -> None:
    """Nor does the direction of the slices break anything."""
    chest = Chest(orientation=ORIENTATIONS[orientation])
    for one in encode_results(result_context(chest=chest)):
        assert dciodvfy(one.dataset).errors == ()


@EVERY_KIND
@ENHANCED
def test_the_same_reading_gives_the_same_bytes(kind: str, enhanced: bool) -> None:
    """Encoded twice, PACS gets the same instances: no clock, no chance."""
    for again in encode_results(result_context(kind, Chest(enhanced=enhanced))):
        once = encoded(kind, enhanced)[again.kind]
        assert once.SOPInstanceUID == again.dataset.SOPInstanceUID
        assert written(once) == written(again.dataset)


def test_the_order_of_the_headers_changes_nothing() -> None:
    """Instances arrive in any order; their slices have one."""
    context = result_context()
    shuffled = replace(context, headers=list(reversed(context.headers)))
    for other in encode_results(shuffled):
        assert written(other.dataset) == written(encoded()[other.kind])


def uids_of(context: ChestContext) -> set[str]:
    return {context.uid(what, kind) for what in ("series", "instance") for kind in EncodedKind}


def _without_a_slice(context: ChestContext) -> ChestContext:
    volume, regions = context.volume, context.regions
    kept = replace(regions, lungs=regions.lungs[:-1], lesions=regions.lesions[:-1])
    shorter = replace(volume, hounsfield=volume.hounsfield[:-1], frames=volume.frames[:-1])
    return remade(context, volume=shorter, chest=replace(context.chest, regions=kept))


def _by_another_bundle(context: ChestContext) -> ChestContext:
    other = replace(context.algorithm, bundle_digest="cd" * 32)
    return with_chest(context, algorithm=other)


@pytest.mark.parametrize(
    "changed",
    [
        _without_a_slice,
        _by_another_bundle,
        lambda context: replace(context, result_version=2),
    ],
    ids=["other instances", "other bundle", "next version"],
)
def test_what_makes_another_result_makes_other_uids(
    changed: Callable[[ChestContext], ChestContext],
) -> None:
    """Instances used, bundle digest and version are what the UIDs follow from."""
    context = result_context()
    assert not uids_of(context) & uids_of(changed(context))
    assert encoded()["SC"].SOPInstanceUID in uids_of(context)


def test_each_object_has_a_series_of_its_own() -> None:
    """OHIF shows only the last report of a series; UIDs are valid and none repeats."""
    objects = list(encoded().values())
    uids = [d.SOPInstanceUID for d in objects] + [d.SeriesInstanceUID for d in objects]
    assert len(set(uids)) == len(uids)
    assert all(UID(uid).is_valid for uid in uids)
    assert len({d.SeriesNumber for d in objects}) == len(objects)


def test_each_object_says_who_made_it() -> None:
    """Bundle, its version and digest, our version, and the scanner as contributing equipment."""
    context = result_context()
    for made in encoded().values():
        assert made.ManufacturerModelName == context.algorithm.name
        assert context.algorithm.label in made.SoftwareVersions
        assert context.algorithm.bundle_digest in made.SoftwareVersions
        scanner, ours = made.ContributingEquipmentSequence
        assert scanner.ManufacturerModelName == "Scanner 9"
        assert ours.PurposeOfReferenceCodeSequence[0].CodeMeaning == "Processing Equipment"
        assert "Firstread" in made.SeriesDescription


def test_the_picture_of_the_page_is_that_of_the_secondary_capture() -> None:
    """Drawn once, it serves the worklist page and PACS."""
    context = result_context()
    picture = render_key_picture(context)
    with_it = encode_results(context, picture=lambda: picture)
    assert written(with_it[-1].dataset) == written(encoded()["SC"])


def test_several_multi_frame_instances_make_one_result() -> None:
    """An Enhanced CT may be split into instances; each slice refers to the one it came from."""
    context = result_context(chest=Chest(enhanced=True))
    half = context.volume.shape[0] // 2
    front, back = deepcopy(context.headers[0]), deepcopy(context.headers[0])
    back.SOPInstanceUID = "1.2.3.4.200"
    frames = list(context.volume.frames)
    for place in range(half):
        frames[place] = SourceFrame("1.2.3.4.200", frames[place].frame_number)
    split = replace(
        context,
        headers=[front, back],
        volume=replace(context.volume, frames=tuple(frames)),
    )
    seg = encode_segmentation(split)
    assert seg is not None
    (series,) = seg.ReferencedSeriesSequence
    named = [item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence]
    assert sorted(named) == ["1.2.3.4.100", "1.2.3.4.200"]
    assert np.array_equal(
        np.frombuffer(seg.PixelData, np.uint8),
        np.frombuffer(encoded("positive", True)["SEG"].PixelData, np.uint8),
    )


def test_regions_of_another_grid_are_a_defect() -> None:
    """Masks that do not fit their volume are not encoded at a wrong place."""
    context = result_context()
    turned = tuple(
        replace(one, labels=one.labels.transpose(0, 2, 1))
        for one in context.reading.regions
        if one.labels is not None
    )
    with pytest.raises(ValueError, match="shape"):
        replace(context, reading=replace(context.reading, regions=turned))
