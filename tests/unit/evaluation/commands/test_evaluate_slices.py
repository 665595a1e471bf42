"""Masks in every dress mean the same, turns are those of numpy, and errors name the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from evaluation.statistics.masks import Mask
from firstread.evaluate.slices import slices_of_folders, slices_of_npz
from firstread.evaluate.target import Target
from radiology.errors import PictureRefused, SettingsRefused

_CLASSES = np.zeros((2, 24, 30), dtype=np.uint8)
_CLASSES[0, 4:12, 4:12], _CLASSES[0, 14:20, 5:9] = 1, 2
_CLASSES[1, 8:16, 10:20] = 2  # this slice alone does not say which class it is
_GREY = np.arange(24 * 30, dtype=np.uint8).reshape(24, 30)


def _palette(classes: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(classes).convert("P")
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    image.putdata(classes.ravel().tolist())
    return image


def _grey_levels(*levels: int) -> NDArray[np.uint8]:
    return np.array((0, *levels), dtype=np.uint8)[_CLASSES]


_DRESSES = {
    "class numbers": [Image.fromarray(one) for one in _CLASSES],
    "palette": [_palette(one) for one in _CLASSES],
    "palette as colours": [_palette(one).convert("RGB") for one in _CLASSES],
    "palette as grey": [Image.fromarray(one) for one in _grey_levels(38, 75)],
    "half and white": [Image.fromarray(one) for one in _grey_levels(127, 255)],
}


def _write(
    folder: Path, masks: list[Image.Image], ending: str = "png", images: str = "jpg"
) -> tuple[Path, Path]:
    drawn, pictures = folder / "masks", folder / "images"
    drawn.mkdir()
    pictures.mkdir()
    for number, mask in enumerate(masks, start=1):
        mask.save(drawn / f"{number}.{ending}")
        Image.fromarray(_GREY).save(pictures / f"{number}.{images}")
    return pictures, drawn


def _references(folders: tuple[Path, Path], target: Target) -> Mask:
    return np.stack([one.reference for one in slices_of_folders(*folders, target)])


@pytest.mark.parametrize("dress", list(_DRESSES))
def test_classes_mean_the_same_in_every_dress(tmp_path: Path, dress: str) -> None:
    """A slice with one class alone is understood by its neighbours."""
    folders = _write(tmp_path, _DRESSES[dress])
    assert np.array_equal(_references(folders, Target.GROUND_GLASS), _CLASSES == 1)
    assert np.array_equal(_references(folders, Target.CONSOLIDATION), _CLASSES == 2)
    assert np.array_equal(_references(folders, Target.LESION), _CLASSES > 0)
    assert np.array_equal(_references(folders, Target.LUNG), _CLASSES > 0)


@pytest.mark.parametrize("white", [1, 255])
def test_black_and_white_masks_are_lesions_of_no_kind(tmp_path: Path, white: int) -> None:
    masks = [Image.fromarray((one > 0).astype(np.uint8) * white) for one in _CLASSES]
    folders = _write(tmp_path, masks)
    assert np.array_equal(_references(folders, Target.LESION), _CLASSES > 0)
    if white == 255:
        with pytest.raises(SettingsRefused, match="black and white"):
            _references(folders, Target.CONSOLIDATION)


def test_effusion_is_no_lesion_of_the_lung(tmp_path: Path) -> None:
    """A third class is neither ground glass nor consolidation."""
    classes = _CLASSES.copy()
    classes[1, :3] = 3
    folders = _write(tmp_path, [Image.fromarray(one) for one in classes])
    assert np.array_equal(_references(folders, Target.LESION), _CLASSES > 0)


def test_masks_saved_as_jpeg_are_cut_at_the_middle(tmp_path: Path) -> None:
    masks = [Image.fromarray((one > 0).astype(np.uint8) * 255) for one in _CLASSES]
    folders = _write(tmp_path, masks, ending="jpg")
    assert np.mean(_references(folders, Target.LESION) == (_CLASSES > 0)) > 0.99
    with pytest.raises(SettingsRefused, match="grey levels"):
        _references(folders, Target.GROUND_GLASS)


@pytest.mark.parametrize("turns", range(4))
def test_image_and_mask_are_turned_alike_and_anticlockwise(tmp_path: Path, turns: int) -> None:
    folders = _write(tmp_path, _DRESSES["palette"], images="png")
    first, second = slices_of_folders(*folders, Target.LESION, turns)
    assert first.grey is not None
    assert np.array_equal(first.grey, np.rot90(_GREY, turns))
    assert np.array_equal(second.reference, np.rot90(_CLASSES[1] > 0, turns))
    # The upper right corner comes to the upper left by one quarter turn against the clock.
    assert turns != 1 or first.grey[0, 0] == _GREY[0, -1]


def test_slices_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folders = _write(tmp_path, [Image.fromarray(_CLASSES[0])] * 11)
    names = [one.name for one in slices_of_folders(*folders, Target.LESION)]
    assert names == [str(number) for number in range(1, 12)]


def test_a_slice_without_a_mask_is_named(tmp_path: Path) -> None:
    folders = _write(tmp_path, _DRESSES["palette"])
    (folders[1] / "2.png").unlink()
    with pytest.raises(SettingsRefused, match=r"no mask for 2\.jpg"):
        _references(folders, Target.LESION)


def test_a_mask_of_another_size_is_named(tmp_path: Path) -> None:
    folders = _write(tmp_path, _DRESSES["palette"])
    Image.fromarray(_CLASSES[0, :10]).save(folders[1] / "1.png")
    with pytest.raises(SettingsRefused, match=r"1\.jpg has 24 × 30 pixels and its mask 10 × 30"):
        _references(folders, Target.LESION)


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    folders = _write(tmp_path, _DRESSES["palette"])
    for path in (folders[0] / "1.jpg", folders[1] / "2.png"):
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(PictureRefused, match=rf"{path.name} cannot be read as a picture"):
            _references(folders, Target.LESION)
        path.write_bytes(whole)


def test_folders_that_are_missing_or_hold_no_picture_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"no folder .*images; name the one with the images"):
        _references((tmp_path / "images", tmp_path), Target.LESION)
    with pytest.raises(SettingsRefused, match="no picture in"):
        _references((tmp_path, tmp_path), Target.LESION)


def test_an_npz_file_gives_slices_in_hu(tmp_path: Path) -> None:
    hu = np.linspace(-1024, 1023, 2 * 6 * 8).reshape(2, 6, 8).astype(np.int16)
    lung = hu < -500
    np.savez(tmp_path / "set.npz", hu=hu, lung=lung, name=np.array(["one", "two"]))
    first, second = slices_of_npz(tmp_path / "set.npz", Target.LUNG, 1)
    assert first.hounsfield is not None
    assert np.array_equal(first.hounsfield, np.rot90(hu[0]))
    assert np.array_equal(second.reference, np.rot90(lung[1]))
    assert (first.name, first.grey) == ("one", None)
    with pytest.raises(SettingsRefused, match="has no array lesion; it has hu, lung, name"):
        list(slices_of_npz(tmp_path / "set.npz", Target.LESION))
    (tmp_path / "bad.npz").write_bytes(b"PK")
    with pytest.raises(SettingsRefused, match=r"bad\.npz cannot be read"):
        list(slices_of_npz(tmp_path / "bad.npz", Target.LUNG))


def test_the_drawn_slices_of_covid_semiseg_are_understood(shared_training: Path) -> None:
    """Their classes are palette colours; together they are the black-and-white masks."""
    infnet = shared_training / "infnet"
    multi, binary = infnet / "multiclass_mask", infnet / "infection_mask"
    glass = list(slices_of_folders(infnet / "images", multi, Target.GROUND_GLASS))
    solid = list(slices_of_folders(infnet / "images", multi, Target.CONSOLIDATION))
    either = list(slices_of_folders(infnet / "images", binary, Target.LESION))
    assert len(glass) == 50
    for one, other, both in zip(glass, solid, either, strict=True):
        assert not (one.reference & other.reference).any()
        assert np.array_equal(one.reference | other.reference, both.reference)
