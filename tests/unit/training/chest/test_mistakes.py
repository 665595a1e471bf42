"""Pictures of what the networks of the folds get wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.chest.folds import Fold
from training.chest.mistakes import Mistake, worst_of_each_scan, write_mistakes
from training.chest.network import MaskNet
from training.chest.predict import EVEN_ODDS, Predicted
from training.chest.stages import FoldAnswers
from training.data.slices import SliceSet

SIDE = 64
DRAWN_COLOUR, FOUND_COLOUR = (0, 158, 115), (230, 159, 0)


def _set(name: str, scans: tuple[str, ...]) -> SliceSet:
    shape = (len(scans), SIDE, SIDE)
    return SliceSet(
        name,
        np.full(shape, -800.0, dtype=np.float16),
        np.zeros(shape, dtype=np.uint8),
        np.zeros(shape, dtype=np.uint8),
        scans,
        true_hu=True,
        around=np.full((len(scans), 2, SIDE, SIDE), -800.0, dtype=np.float16),
    )


def _predicted(found: np.ndarray) -> Predicted:
    lesion = np.stack([~found, found, np.zeros_like(found)], 1).astype(np.float16)
    lung = np.zeros_like(lesion)
    lung[:, 1] = 1.0
    return Predicted(lung, lesion)


@pytest.fixture
def answers() -> FoldAnswers:
    """Two scans: much is missed in slice 1, something is false in slice 0; and one without."""
    scans = _set("scans", ("a", "a", "a", "b"))
    scans.lesion[1, 8:40, 8:40] = 3
    scans.lesion[2, 10:20, 10:20] = 3
    found = np.zeros((4, SIDE, SIDE), dtype=bool)
    found[0, 40:50, 40:50] = True
    found[2, 10:20, 10:20] = True
    others = _set("others", ("healthy", "healthy"))
    seen = np.zeros((2, SIDE, SIDE), dtype=bool)
    seen[1, 30:34, 30:34] = True
    nobody = _set("nobody", ())
    fold = Fold(("a", "b"), (), ("healthy",))
    return FoldAnswers(
        fold,
        MaskNet(widths=(8, 8, 8, 8)),
        scans,
        _predicted(found),
        nobody,
        _predicted(np.zeros((0, SIDE, SIDE), dtype=bool)),
        others,
        _predicted(seen),
    )


def test_the_worst_slices_of_each_scan_are_named(answers: FoldAnswers) -> None:
    """What is right is no mistake, and a scan without one has no picture."""
    found = answers.of_scans.any_lesion > 0.5
    mistakes = worst_of_each_scan(answers.scans, found, answers.scans.lesion > 0)
    assert mistakes == [Mistake("a", 0, 0, 100), Mistake("a", 1, 32 * 32, 0)]


def test_each_has_a_picture_with_both_outlines_and_a_line(
    answers: FoldAnswers, tmp_path: Path
) -> None:
    table = write_mistakes([answers], EVEN_ODDS, tmp_path)
    lines = table.read_text().splitlines()
    assert lines[1:] == [
        "a,0,0,100,a-0000.png",
        "a,1,1024,0,a-0001.png",
        "healthy,1,0,16,healthy-0001.png",
    ]
    for name, colour, other in (
        ("a-0000.png", FOUND_COLOUR, DRAWN_COLOUR),
        ("a-0001.png", DRAWN_COLOUR, FOUND_COLOUR),
    ):
        with Image.open(tmp_path / name) as picture:
            pixels = np.asarray(picture)[16:, 2 * SIDE :]
        assert (pixels == colour).all(axis=-1).any()
        assert not (pixels == other).all(axis=-1).any()
