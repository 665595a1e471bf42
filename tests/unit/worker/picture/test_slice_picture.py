"""The picture of a single slice: whatever a reader of slices tells, of any organ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from chest import chest_codes
from models.readers.slice_reader import SliceRead, SliceVerdict
from radiology.algorithm import AlgorithmIdentity
from radiology.answer.slice_in_words import NamedProbability
from radiology.image.volume import Volume
from radiology.region import Region
from worker.encode.picture.key_picture import WIDTH_PX
from worker.predict.slice_picture import render_slice_picture

_ALGORITHM = AlgorithmIdentity("Head", "1.0.0", "0" * 64)
_UPRIGHT = np.eye(4)[[2, 1, 0, 3]]
_GREEN = (0, 158, 115)
_SHAPE = (64, 96)


@pytest.fixture
def shown() -> Volume:
    return Volume(np.full((1, *_SHAPE), 40.0, np.float32), _UPRIGHT)


@pytest.fixture
def read() -> SliceRead:
    mask = np.zeros((1, *_SHAPE), np.bool_)
    mask[0, 16:48, 24:72] = True
    return SliceRead(
        answer={},
        verdict=SliceVerdict.SUSPECTED,
        headline="Bleeding suspected",
        details="Probability 0.90",
        regions=(Region.of_mask(mask, "Brain", chest_codes.LUNG, is_finding=False, colour=_GREEN),),
        heat=mask[0].astype(np.float32),
        lines=(NamedProbability("midline shift", 0.7, present=True),),
        window_hu=(40.0, 80.0),
    )


def _drawn(shown: Volume, read: SliceRead) -> NDArray[np.int_]:
    picture: Image.Image = render_slice_picture(shown, read, _ALGORITHM, software_version="1")
    assert (picture.mode, picture.width) == ("RGB", WIDTH_PX)
    return np.asarray(picture, dtype=int)


def _panels(drawn: NDArray[np.int_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where the left and the right panel are coloured."""
    coloured = np.ptp(drawn[84:400], axis=-1) > 20
    return coloured[:, :512], coloured[:, 512:]


def test_regions_are_outlined_on_the_left_and_heat_lies_on_the_right(
    shown: Volume, read: SliceRead
) -> None:
    left, right = _panels(_drawn(shown, read))
    assert 0 < np.count_nonzero(left) < np.count_nonzero(right)
    without = _drawn(shown, replace(read, regions=(), heat=None))
    assert not any(one.any() for one in _panels(without))


def test_nothing_is_outlined_of_what_is_not_assessable(shown: Volume, read: SliceRead) -> None:
    """An outline or heat would look like an answer."""
    refused = replace(read, verdict=SliceVerdict.NOT_ASSESSABLE)
    assert not any(one.any() for one in _panels(_drawn(shown, refused)))


def test_lines_have_their_room_only_where_there_are_some(shown: Volume, read: SliceRead) -> None:
    with_lines, without = _drawn(shown, read), _drawn(shown, replace(read, lines=()))
    assert with_lines.shape[0] > without.shape[0]


@pytest.mark.parametrize("verdict", SliceVerdict)
def test_every_verdict_has_its_badge(shown: Volume, read: SliceRead, verdict: SliceVerdict) -> None:
    drawn = _drawn(shown, replace(read, verdict=verdict))
    assert np.ptp(drawn[:84].reshape(-1, 3), axis=0).min() > 100
