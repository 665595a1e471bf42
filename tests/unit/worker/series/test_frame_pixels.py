"""Whatever the transfer syntax, the stored values come out, or a refusal that names it."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jpeg_ls
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from radiology.errors import PixelDataUndecodable, VolumeRefused
from tests.builders.dicom.ct_series import (
    Stack,
    decode_files,
    multi_frame,
    ramp,
    single_frame,
    write_files,
)
from worker.series.pixels.frame_pixels import can_decode, stored_frames


@pytest.mark.parametrize(
    ("transfer_syntax_uid", "can"),
    [
        (ExplicitVRLittleEndian, True),
        ("1.2.840.10008.1.2.4.50", True),
        ("1.2.840.10008.1.2.4.51", True),
        ("1.2.840.10008.1.2.4.53", True),
        ("1.2.840.10008.1.2.4.70", True),
        ("1.2.840.10008.1.2.4.201", True),
        ("1.2.840.10008.1.2.4.102", False),
        ("1.2.840.10008.1.1", False),
        ("2.25.1", False),
        ("not a UID", False),
        ("", False),
    ],
)
def test_what_can_be_decoded_is_known_beforehand(transfer_syntax_uid: str, can: bool) -> None:
    """JPEG of all kinds can be decoded; video and what is no transfer syntax cannot."""
    assert can_decode(transfer_syntax_uid) is can


def test_bits_above_bits_stored_are_not_part_of_the_value(tmp_path: Path) -> None:
    """Old scanners kept overlays in the unused high bits (PS3.5 8.1.1); 12 bits are 12 bits."""

    def change(dataset: Dataset, index: int) -> None:
        dataset.BitsStored, dataset.HighBit = 12, 11
        dirty = np.frombuffer(dataset.PixelData, dtype="<u2") | 0xF000
        dataset.PixelData = dirty.tobytes()

    stack = Stack(ramp(), change=change)
    volume = decode_files(write_files(single_frame(stack), tmp_path))
    np.testing.assert_array_equal(volume.hounsfield, stack.stored - 1024.0)


@pytest.mark.parametrize(
    "transfer_syntax_uid",
    [
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEGLSLossless,
        JPEG2000Lossless,
    ],
)
@pytest.mark.parametrize("build", [single_frame, lambda stack: [multi_frame(stack)]])
@pytest.mark.parametrize("dtype", [np.int16, np.uint16])
def test_every_lossless_transfer_syntax_gives_the_same_values(
    tmp_path: Path,
    transfer_syntax_uid: str,
    build: Callable[[Stack], list[Dataset]],
    dtype: Any,
) -> None:
    """How the bytes were written makes no difference, nor whether they have a sign."""
    stored = ramp((3, 64, 72), dtype) - dtype(1500 if dtype is np.int16 else 0)
    slope = 0.125  # of 16 bits, on a scale that a body has
    stack = Stack(stored, transfer_syntax_uid=transfer_syntax_uid, slope=slope, intercept=0)
    volume = decode_files(write_files(build(stack), tmp_path))
    np.testing.assert_array_equal(volume.hounsfield, slope * stored)


def _truncate(dataset: Dataset, index: int) -> None:
    dataset.PixelData = dataset.PixelData[: len(dataset.PixelData) // 2]


def _remove(dataset: Dataset, index: int) -> None:
    del dataset.PixelData


def _forget_bits(dataset: Dataset, index: int) -> None:
    del dataset.BitsAllocated


@pytest.mark.parametrize("damage", [_truncate, _remove, _forget_bits])
def test_damaged_pixel_data_is_refused_with_its_transfer_syntax(
    tmp_path: Path, damage: Callable[[Dataset, int], None]
) -> None:
    """Pixels that are cut off, absent or undescribed are refused, and it is said which object."""
    paths = write_files(single_frame(Stack(ramp(), change=damage)), tmp_path)
    with pytest.raises(PixelDataUndecodable) as refused:
        decode_files(paths)
    assert refused.value.facts["transfer_syntax_uid"] == ExplicitVRLittleEndian
    assert refused.value.facts["sop_instance_uid"]


@pytest.mark.parametrize("transfer_syntax_uid", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
@given(noise=st.binary(min_size=1, max_size=30), place=st.integers(0, 3000))
def test_damaged_compressed_data_is_refused_or_decoded(
    tmp_path_factory: pytest.TempPathFactory, transfer_syntax_uid: str, noise: bytes, place: int
) -> None:
    """Bytes overwritten in a compressed stream end in a volume or a refusal, never in a crash."""
    stack = Stack(ramp((2, 64, 72)), slope=0.125, transfer_syntax_uid=transfer_syntax_uid)
    datasets = single_frame(stack)
    data = bytearray(datasets[0].PixelData)
    start = min(20 + place, len(data) - 8 - len(noise))
    data[start : start + len(noise)] = noise
    datasets[0].PixelData = bytes(data)
    paths = write_files(datasets, tmp_path_factory.mktemp("damaged"))
    with contextlib.suppress(VolumeRefused):
        assert decode_files(paths).shape == (2, 64, 72)


_LOSS_HU = {
    # The most that a file may differ from the uncompressed one, where its compression has loss
    "JPEG2000TransferSyntax": 6.0,
    "JPEGLSLossy": 2.0,
    "JPEGProcess1Transfer": 65.0,  # 8 bits: steps of 32 HU
    "JPEGProcess2_4": 40.0,
    "JPEGProcess6_8": 40.0,
    "JPEGProcess10_12": 40.0,
}


def test_one_slice_in_fifteen_transfer_syntaxes(shared_ct: Path) -> None:
    """Every file of the same slice gives the same values, but for what its compression lost."""
    folder = shared_ct / "transfer-syntaxes"
    expected = _hounsfield(folder / "CTImage.dcm")
    seen = 0
    for path in sorted(folder.iterdir()):
        loss = next((most for name, most in _LOSS_HU.items() if f".dcm_{name}" in path.name), 0.0)
        assert np.abs(_hounsfield(path) - expected).max() <= loss, path.name
        seen += 1
    assert seen == 16


def _hounsfield(path: Path) -> Any:
    dataset = dcmread(path)
    ((_, stored),) = stored_frames(dataset, [None])
    return stored * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)


def test_a_frame_that_states_another_size_is_not_decoded(tmp_path: Path) -> None:
    """A decoder makes what the frame says, 8 MB here and gigabytes elsewhere."""
    (path, *_) = write_files(single_frame(Stack(ramp())), tmp_path)
    dataset = dcmread(path)
    dataset.PixelData = encapsulate([bytes(jpeg_ls.encode(np.zeros((2000, 2000), np.uint16)))])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
    tracemalloc.start()
    with pytest.raises(PixelDataUndecodable) as raised:
        list(stored_frames(dataset, [None]))
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert raised.value.facts["transfer_syntax_uid"] == JPEGLSLossless
    assert most_bytes < 1_000_000
