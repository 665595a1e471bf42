"""What the networks' grid alone costs a drawing."""

from __future__ import annotations

import numpy as np

from training.data.grid_limit import there_and_back


def test_a_grid_as_fine_as_the_drawing_loses_nothing() -> None:
    """Every pixel comes back, of a picture that is no square too."""
    mask = np.random.default_rng(1).random((150, 256)) > 0.5
    assert (there_and_back(mask, 256) == mask).all()


def test_a_coarser_grid_keeps_areas_and_loses_details() -> None:
    """A disc comes back but for its edge; a checkerboard does not."""
    rows, columns = np.mgrid[:300, :400]
    disc = (rows - 150) ** 2 + (columns - 200) ** 2 < 60**2
    back = there_and_back(disc, 256)
    assert 0.98 < 2 * np.count_nonzero(disc & back) / (disc.sum() + back.sum()) < 1.0
    board = (rows + columns) % 2 == 0
    assert np.count_nonzero(there_and_back(board, 100) != board) > 0.4 * board.size
