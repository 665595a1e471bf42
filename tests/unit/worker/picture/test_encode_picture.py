"""The key picture: the right way round, in proportion, and without a word about the patient."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset

from chest.values.regions import ChestRegions
from radiology.image.key_picture import KEYWORD, panel_of
from radiology.urgency import Urgency
from tests.builders.stored.written import write_here
from tests.unit.worker.encode.encoded_chest import (
    KINDS,
    ORIENTATIONS,
    Chest,
    ChestContext,
    ball,
    result_context,
    with_chest,
)
from worker.encode import (
    DISCLAIMER,
    ShownReading,
    encode_secondary_capture,
    render_key_picture,
)
from worker.encode.picture.axial_stack import AxialStack
from worker.encode.picture.key_picture import WIDTH_PX
from worker.encode.picture.lettering import fitted
from worker.encode.picture.panels import Frame, Placement, draw_panel
from worker.keep.keep_results import keep_picture

LUNG, GROUND_GLASS, CONSOLIDATION = (0, 158, 115), (86, 180, 233), (230, 159, 0)
CUBE = Chest(spacing_mm=(4.0, 4.0, 4.0), shape=(72, 72, 72))
SIZE = (640, 484)


def near(picture: Image.Image, colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Pixels of about this colour; lines are smoothed, so they are not all of it exactly."""
    difference = np.asarray(picture).astype(int) - colour
    return np.asarray(np.abs(difference).max(axis=-1) < 24)


def key_panel(context: ChestContext) -> Image.Image:
    stack = AxialStack.of(context)
    outlined = (*stack.anatomy, *stack.findings)
    return draw_panel(stack, stack.key, Frame.of(stack), SIZE, outlined)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_patient_s_right_is_on_the_left_of_the_picture(orientation: str) -> None:
    """Ground glass of the right lung is on the left, and behind the middle, however scanned."""
    context = result_context(chest=replace(CUBE, orientation=ORIENTATIONS[orientation]))
    if orientation not in {"coronal", "sagittal", "sagittal, from the left"}:
        context = _with_key_at(context, z_mm=-15)
    rows, columns = np.nonzero(near(key_panel(context), GROUND_GLASS))
    assert len(rows) > 100
    assert columns.max() < SIZE[0] / 2
    if orientation != "oblique":  # whose tilted slices go up at the back
        assert rows.mean() > SIZE[1] / 2


def _with_key_at(context: ChestContext, z_mm: float) -> ChestContext:
    slices, rows, columns = context.volume.shape
    middles = np.array([[i, (rows - 1) / 2, (columns - 1) / 2] for i in range(slices)])
    key = int(np.argmin(np.abs(context.volume.positions_mm(middles)[:, 2] - z_mm)))
    return with_chest(context, key_slice=key)


@pytest.mark.parametrize("spacing_mm", [(5.0, 3.0, 3.0), (5.0, 1.5, 4.0), (5.0, 4.0, 1.5)], ids=str)
def test_a_round_lesion_is_drawn_round(spacing_mm: tuple[float, float, float]) -> None:
    """Millimetres have the same length across and down whatever the pixels are like."""
    shape = tuple(int(310 / step) for step in spacing_mm)
    chest = Chest(spacing_mm=spacing_mm, shape=(shape[0], shape[1], shape[2]))
    context = result_context(chest=chest)
    lesions = (2 * ball(chest.places_mm, (-60, 0, 0), (24, 24, 24))).astype(np.uint8)
    regions = ChestRegions(lungs=context.regions.lungs, lesions=lesions)
    key = int(np.argmax(np.count_nonzero(lesions, axis=(1, 2))))
    context = with_chest(context, regions=regions, key_slice=key)
    rows, columns = np.nonzero(near(key_panel(context), CONSOLIDATION))
    stack = AxialStack.of(context)
    scale = Placement.fitted(stack, Frame.of(stack), SIZE).pixels_per_mm
    one_pixel = max(spacing_mm[1:]) * scale
    assert np.ptp(columns) == pytest.approx(48 * scale, abs=one_pixel + 3)
    assert np.ptp(rows) == pytest.approx(48 * scale, abs=one_pixel + 3)


def test_lines_lie_on_the_pixels_that_they_go_around() -> None:
    """The grey of the lesion is inside its outline: picture and line share one geometry."""
    context = result_context(chest=CUBE)
    panel = np.asarray(key_panel(context)).astype(int)
    rows, columns = np.nonzero(near(key_panel(context), CONSOLIDATION))
    left = columns < SIZE[0] / 2
    middle = (int(np.median(rows[left])), int(np.median(columns[left])))
    assert panel[middle].min() > 200  # -10 HU in the lung window
    beside = (middle[0], int(columns[left].min()) - 12)
    assert 80 < panel[beside].mean() < 170  # ground glass around it


@pytest.mark.parametrize("kind", KINDS)
def test_the_picture_has_its_width_and_its_banner(kind: str) -> None:
    """1024 pixels wide, as the worklist page and most viewers show it."""
    picture = render_key_picture(result_context(kind))
    assert (picture.mode, picture.width) == ("RGB", WIDTH_PX)
    assert near(picture, (240, 228, 66))[-20:].mean() > 0.6


def test_the_kept_file_says_where_the_key_slice_is(tmp_path: Path) -> None:
    """What it names is the large panel, pixel by pixel, in the file as the page reads it."""
    context = result_context()
    name = keep_picture(tmp_path, "key", render_key_picture(context), write=write_here)
    with Image.open(tmp_path / name) as kept:
        panel = panel_of(kept.info[KEYWORD], *kept.size)
        assert panel is not None
        assert np.array_equal(np.asarray(kept.crop(panel)), np.asarray(key_panel(context)))


def test_lesions_are_outlined_only_where_they_are_claimed() -> None:
    """A negative picture has lungs outlined and no lesion, even if a few voxels were marked."""
    context = result_context()
    negative = result_context("negative")
    marked = with_chest(negative, regions=context.regions)
    assert near(render_key_picture(context), GROUND_GLASS).sum() > 100
    assert not near(render_key_picture(marked), GROUND_GLASS).any()
    assert not near(render_key_picture(marked), CONSOLIDATION).any()


def test_a_picture_that_is_not_assessable_has_no_outline_at_all() -> None:
    """Outlines would look like an answer."""
    picture = render_key_picture(result_context("not assessable"))
    assert not any(near(picture, one).any() for one in (LUNG, GROUND_GLASS, CONSOLIDATION))


def test_each_urgency_has_its_own_badge() -> None:
    """Urgent, suspected and routine can be told apart without reading."""
    context = result_context()
    pictures = [
        render_key_picture(replace(context, triage=replace(context.triage, urgency=urgency)))
        for urgency in Urgency
    ]
    corners = {tuple(np.asarray(picture)[42, WIDTH_PX - 24]) for picture in pictures}
    assert len(corners) == len(Urgency)


def test_nothing_of_the_patient_is_drawn() -> None:
    """Another name, number and birth date give the same picture, so none of them is in it."""
    context = result_context()
    for header in context.headers:
        header.PatientName, header.PatientID = "Other^Name", "X"
        header.PatientBirthDate, header.AccessionNumber = "19990101", "Y"
    same = render_key_picture(context)
    assert np.array_equal(np.asarray(same), np.asarray(render_key_picture(result_context())))


@pytest.mark.parametrize("kind", KINDS)
def test_a_reading_alone_is_drawn_like_one_that_goes_to_pacs(kind: str) -> None:
    """No header of the source is needed for the picture; multi-frame slices keep their numbers."""
    context = result_context(kind, chest=Chest(enhanced=True))
    alone = ShownReading(
        volume=context.volume,
        reading=context.reading,
        triage=context.triage,
        software_version=context.software_version,
    )
    expected = np.asarray(render_key_picture(context))
    assert np.array_equal(np.asarray(render_key_picture(alone)), expected)


def test_a_reading_without_lesion_voxels_can_be_drawn() -> None:
    """Suspicion without an outline shows the lungs."""
    context = result_context()
    regions = replace(context.regions, lesions=0 * context.regions.lesions)
    picture = render_key_picture(with_chest(context, regions=regions))
    assert near(picture, LUNG).sum() > 100


def test_long_rules_are_shortened_to_fit() -> None:
    """A long rule never runs into the badge."""
    assert fitted("short", 16, 300) == "short"
    assert fitted("a very long rule " * 20, 16, 300).endswith("...")


def capture_of(context: ChestContext) -> tuple[Dataset, Image.Image]:
    picture = render_key_picture(context)
    return encode_secondary_capture(context, picture), picture


def test_the_secondary_capture_is_the_picture() -> None:
    """Its pixels, decoded, are the picture's; it says that no annotation identifies the patient."""
    context = result_context()
    capture, picture = capture_of(context)
    assert np.array_equal(capture.pixel_array, np.asarray(picture))
    assert capture.BurnedInAnnotation == "NO"
    assert (capture.PhotometricInterpretation, capture.BitsAllocated) == ("RGB", 8)
    assert capture.DerivationDescription == DISCLAIMER
    assert list(capture.PatientOrientation) == ["L", "P"]
    assert "PixelSpacing" not in capture  # nobody should measure on it


@pytest.mark.parametrize("enhanced", [False, True], ids=["CT", "Enhanced CT"])
def test_the_secondary_capture_names_its_source_image(enhanced: bool) -> None:
    """From the picture a viewer can go to the slice that it shows."""
    context = result_context(chest=Chest(enhanced=enhanced))
    capture, _ = capture_of(context)
    assert context.reading.key_slice is not None
    frame = context.volume.frames[context.reading.key_slice]
    (source,) = capture.SourceImageSequence
    assert source.ReferencedSOPInstanceUID == frame.sop_instance_uid
    assert source.get("ReferencedFrameNumber") == frame.frame_number
