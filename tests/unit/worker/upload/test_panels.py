"""A figure of several slices is no slice, however its panels are parted; a slice is one."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from radiology.errors import PictureRefused
from tests.builders.chest.small_chest import grey, phantom
from worker.predict.panels import is_figure
from worker.predict.read_picture import read_grey
from worker.predict.read_slice_file import slice_of_picture

__all__ = ["grey", "phantom"]

Grey = NDArray[np.uint8]
_PANEL = (220, 260)
_FOLDERS = ("covid_ct", "covid_seg20/images", "luna_unlabelled", "sars_cov2_ct", "weak")


def _figure(
    panels: list[Grey], rows: int, columns: int, *, gap: int, ground: int, letters: bool = True
) -> Image.Image:
    """Slices beside and below each other, as a journal prints them."""
    high, wide = _PANEL
    size = (columns * (wide + gap) + gap, rows * (high + gap) + gap)
    drawn = Image.new("L", size, ground)
    for number, panel in enumerate(panels[: rows * columns]):
        x = gap + number % columns * (wide + gap)
        y = gap + number // columns * (high + gap)
        drawn.paste(Image.fromarray(panel).resize((wide, high)), (x, y))
        if letters:
            ImageDraw.Draw(drawn).text((x + 8, y + 6), "ABCDEFGHI"[number], fill=255)
    return drawn


def _as_jpeg(picture: Image.Image) -> Grey:
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=85)
    return np.array(Image.open(written).convert("L"))


@pytest.fixture(scope="module")
def slices(grey: Grey) -> list[Grey]:
    """Nine slices of the phantom."""
    return list(grey[6:33:3])


@pytest.mark.parametrize(("gap", "ground"), [(8, 255), (8, 0), (0, 0)])
@pytest.mark.parametrize(("rows", "columns"), [(2, 2), (2, 3), (3, 2), (3, 3), (1, 3), (1, 4)])
def test_a_figure_is_told(
    slices: list[Grey], rows: int, columns: int, gap: int, ground: int
) -> None:
    """On white paper, on a dark screen, or without a line between them."""
    figure = _figure(slices, rows, columns, gap=gap, ground=ground)
    assert is_figure(_as_jpeg(figure))
    assert is_figure(np.array(figure))


def test_two_panels_on_white_paper_are_told(slices: list[Grey]) -> None:
    """Each ends where the paper begins, all along."""
    assert is_figure(_as_jpeg(_figure(slices, 1, 2, gap=8, ground=255)))


def test_every_slice_of_the_phantom_is_one(grey: Grey) -> None:
    assert not any(is_figure(one) for one in grey)


def test_lungs_that_were_cut_out_are_one_slice() -> None:
    """Left and right lung on black: two blocks with a dark band between, and no figure."""
    masked = np.zeros((200, 240), np.uint8)
    masked[40:160, 30:105] = masked[40:160, 135:210] = 90
    assert is_figure(masked) == 1


def test_a_white_mediastinum_parts_no_slice() -> None:
    """In a narrow lung window it is white from the front to the back."""
    drawn = Image.new("L", (240, 200), 255)
    for left in (25, 135):
        ImageDraw.Draw(drawn).ellipse((left, 30, left + 80, 170), fill=60)
    assert not is_figure(np.array(drawn))


@pytest.mark.parametrize("folder", _FOLDERS)
def test_no_real_slice_is_taken_for_a_figure(shared_training: Path, folder: str) -> None:
    """Every tenth of the public slices, cropped and lettered as their papers printed them."""
    paths = [
        path
        for path in sorted((shared_training / folder).rglob("*"))
        if path.suffix.lower() in (".png", ".jpg")
    ][::10]
    assert len(paths) > 40
    assert [path.name for path in paths if is_figure(read_grey(path))] == []


@pytest.mark.parametrize("gap", [6, 0])
def test_figures_of_real_slices_are_told(shared_training: Path, gap: int) -> None:
    """With white lines between; without them, most of nine that are as wide as they are high."""
    paths = sorted((shared_training / "sars_cov2_ct" / "COVID").iterdir())[:90]
    found = 0
    for start in range(0, 90, 9):
        panels = [read_grey(path) for path in paths[start : start + 9]]
        found += is_figure(_as_jpeg(_figure(panels, 3, 3, gap=gap, ground=255)))
    assert found == 10 if gap else found >= 8


def test_a_figure_is_refused_with_what_it_is(slices: list[Grey], tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    _figure(slices, 2, 3, gap=8, ground=255).save(path)
    with pytest.raises(PictureRefused, match="several pictures side by side, not one CT slice"):
        slice_of_picture(path)
