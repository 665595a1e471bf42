"""What stands in the bits above Bits Stored is no part of a value, however the pixels are packed.

Compressed by dcmtk and by OpenJPEG, which are given all bits that were allocated.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000, JPEG2000Lossless, JPEGLSNearLossless

from radiology.errors import PixelDataUndecodable, VolumeRefused
from tests.builders.dicom.ct_series import Stack, decode_files, single_frame, write_files
from tests.peers.programs import require_program

_SHAPE = (3, 64, 72)
_BITS = 12
_OVERLAY = 0xF000
Compress = Callable[[Path], None]


def _values(*, signed: bool) -> NDArray[Any]:
    """Every value that 12 bits hold, spread over three slices."""
    values = np.arange(np.prod(_SHAPE)).reshape(_SHAPE) % (1 << _BITS)
    return (values - (1 << _BITS - 1) if signed else values).astype(np.int16 if signed else "u2")


def _with_overlay(dataset: Dataset, index: int) -> None:
    """Set the bits above in every third row, as an overlay plane that is drawn does."""
    dataset.BitsStored, dataset.HighBit = _BITS, _BITS - 1
    pixels = np.frombuffer(dataset.PixelData, dtype="<u2").reshape(_SHAPE[1:]).copy()
    pixels &= 0x0FFF
    pixels[::3] |= _OVERLAY
    dataset.PixelData = pixels.tobytes()


def _written(folder: Path, *, signed: bool) -> tuple[list[Path], NDArray[Any]]:
    stored = _values(signed=signed)
    intercept = 0.0 if signed else -1024.0
    stack = Stack(stored, intercept=intercept, change=_with_overlay)
    hounsfield = stored + intercept
    expected = np.where(hounsfield < -1500, -1024, hounsfield)  # outside the field of view
    return write_files(single_frame(stack), folder), expected


def _native(path: Path) -> None:
    assert dcmread(path).file_meta.TransferSyntaxUID.is_encapsulated is False


def _dcmtk(program: str, *options: str) -> Compress:
    def compress(path: Path) -> None:
        command = [require_program(program, package="dcmtk"), *options, str(path), str(path)]
        subprocess.run(command, check=True, capture_output=True)
        assert dcmread(path).file_meta.TransferSyntaxUID.is_encapsulated

    return compress


def _jpeg_2000(transfer_syntax_uid: str, **options: Any) -> Compress:
    """The stream has a precision of 16 bits, the header says 12."""

    def compress(path: Path) -> None:
        dataset = dcmread(path)
        dataset.BitsStored, dataset.HighBit = 16, 15
        dataset.compress(transfer_syntax_uid, generate_instance_uid=False, **options)
        dataset.BitsStored, dataset.HighBit = _BITS, _BITS - 1
        dataset.save_as(path)

    return compress


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize(
    "compress",
    [
        _native,
        _dcmtk("dcmcrle"),
        _dcmtk("dcmcjpeg", "+e1"),
        _dcmtk("dcmcjpls"),
        _jpeg_2000(JPEG2000Lossless),
    ],
    ids=["native", "RLE", "JPEG lossless", "JPEG-LS", "JPEG 2000"],
)
def test_an_overlay_in_the_bits_above_is_no_part_of_the_value(
    tmp_path: Path, compress: Compress, signed: bool
) -> None:
    """PS3.5 8.1.1: 12 bits stay 12 bits, with their sign, as in the native file."""
    paths, expected = _written(tmp_path, signed=signed)
    for path in paths:
        compress(path)
    np.testing.assert_array_equal(decode_files(paths).hounsfield, expected)


def test_what_a_lossy_compression_mixed_up_is_refused(tmp_path: Path) -> None:
    """Where bits were lost, those above have leaked into those below: nothing can be restored."""
    paths, _ = _written(tmp_path, signed=False)
    for path in paths:
        _jpeg_2000(JPEG2000, j2k_cr=[4])(path)
    with pytest.raises(PixelDataUndecodable, match="lossy compression") as refused:
        decode_files(paths)
    assert refused.value.facts["bits_stored"] == _BITS


def test_nearly_lossless_jpeg_ls_of_dcmtk_has_no_bits_above(tmp_path: Path) -> None:
    """dcmtk takes the overlay out before it loses anything: as near as the loss allows."""
    paths, expected = _written(tmp_path, signed=False)
    for path in paths:
        _dcmtk("dcmcjpls", "+en", "+md", "3")(path)
        assert dcmread(path).file_meta.TransferSyntaxUID == JPEGLSNearLossless
    assert np.abs(decode_files(paths).hounsfield - expected).max() <= 3


def _shifted_up(dataset: Dataset, index: int) -> None:
    dataset.BitsStored, dataset.HighBit = _BITS, 15
    pixels = np.frombuffer(dataset.PixelData, dtype="<u2") << 4
    dataset.PixelData = pixels.astype("<u2").tobytes()


def test_values_that_stand_high_in_their_word_are_refused(tmp_path: Path) -> None:
    """High Bit 15 with 12 bits stored was allowed once: sixteen times the value is measured."""
    stack = Stack(_values(signed=False), change=_shifted_up)
    with pytest.raises(PixelDataUndecodable, match="contradict each other"):
        decode_files(write_files(single_frame(stack), tmp_path))


def test_a_high_bit_that_is_only_stated_wrongly_costs_no_study(tmp_path: Path) -> None:
    """Where every value fits into Bits Stored, nothing stands high."""

    def change(dataset: Dataset, index: int) -> None:
        dataset.BitsStored, dataset.HighBit = _BITS, 15

    stored = _values(signed=False)
    volume = decode_files(write_files(single_frame(Stack(stored, change=change)), tmp_path))
    np.testing.assert_array_equal(volume.hounsfield, stored - 1024.0)


@pytest.mark.parametrize(("share", "refused"), [(0.04, False), (0.07, True)])
def test_values_that_no_body_has_are_refused(tmp_path: Path, share: float, refused: bool) -> None:
    """Metal fills a little of a series; what fills more is a fault of whoever wrote the values."""
    stored = np.full(_SHAPE, 1000, dtype=np.uint16)
    stored.reshape(-1)[: round(share * stored.size)] = 20_000
    paths = write_files(single_frame(Stack(stored)), tmp_path)
    if not refused:
        assert decode_files(paths).hounsfield.max() == 20_000 - 1024
        return
    with pytest.raises(VolumeRefused, match="none that a body has") as error:
        decode_files(paths)
    assert error.value.facts["share_percent"] == pytest.approx(7, abs=0.1)
