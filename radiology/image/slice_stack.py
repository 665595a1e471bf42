"""The stored form of a reading's slices for the page: axial, separate, compressed.

A stack is an archive whose entries can be read one without the others. Each slice is two of them:
its voxels, and the numbers of what was outlined. Both are gzip streams (RFC 1952), so that a
server can send them as they lie there and a browser unpacks them while it receives them.

Voxels are steps of `STEP_HU` above `LOWEST_HU`, each as the difference (modulo 65536) to the
voxel on its left, the first of a row to the first of the row above, and the low bytes of all of
them before the high bytes: neighbours are alike, so that what is left is small and compresses
well.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

VERSION = 1
LOWEST_HU, HIGHEST_HU = -1024, 3071  # the twelve bits that CT scanners have
STEP_HU = 2
"""Near one grey level of the mediastinal window (400 HU over 256 levels are 1.6 HU each); finer
would keep noise alone. docs/decisions/0025-slices-on-the-page.md has the figures."""

INDEX, HEAT = "index.json", "heat.json"
MOST_SLICES = 10_000
_GZIP = 31  # zlib's window bits for a gzip stream
_LEVEL = 1  # a few per cent more bytes than the default level, in a third of its time


def voxels_entry(index: int) -> str:
    """The entry with the voxels of a slice."""
    return f"voxels/{index:04d}"


def labels_entry(index: int) -> str:
    """The entry with the labels of a slice: uint8, row after row; the index names its numbers."""
    return f"labels/{index:04d}"


def pack_voxels(hounsfield: NDArray[np.float32]) -> bytes:
    """One slice as a gzip stream.

    Parameters
    ----------
    hounsfield : shape (rows, columns), HU; what lies beyond the limits is set to them
    """
    above = np.subtract(hounsfield, np.float32(LOWEST_HU))
    above *= np.float32(1.0 / STEP_HU)
    above += np.float32(0.5)
    steps = above.clip(0.5, (HIGHEST_HU - LOWEST_HU) / STEP_HU + 0.5, out=above).astype(np.uint16)
    differences = steps.copy()
    differences[:, 1:] -= steps[:, :-1]
    differences[1:, 0] -= steps[:-1, 0]
    planes = np.empty((2, *steps.shape), np.uint8)
    np.copyto(planes[0], differences, casting="unsafe")  # the low byte
    np.copyto(planes[1], differences >> np.uint16(8), casting="unsafe")
    # Noise does not repeat itself: looking for repetitions would double the time for nothing.
    return _packed(planes, zlib.Z_HUFFMAN_ONLY)


def unpack_voxels(packed: bytes, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Read back what `pack_voxels` made, HU."""
    rows, columns = shape
    planes = np.frombuffer(_unpacked(packed, 2 * rows * columns), np.uint8).astype(np.uint16)
    low, high = planes.reshape(2, rows, columns)
    differences = low | (high << np.uint16(8))
    first = np.cumsum(differences[:, 0], dtype=np.uint16)
    differences[:, 0] = first
    steps = np.cumsum(differences, axis=1, dtype=np.uint16)
    return (steps.astype(np.float32) * STEP_HU + LOWEST_HU).astype(np.float32)


def pack_labels(labels: NDArray[np.uint8]) -> bytes:
    """The labels of one slice, shape (rows, columns), as a gzip stream."""
    return _packed(labels, zlib.Z_DEFAULT_STRATEGY)


def unpack_labels(packed: bytes, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Read back what `pack_labels` made."""
    return np.frombuffer(_unpacked(packed, shape[0] * shape[1]), np.uint8).reshape(shape)


def _packed(values: NDArray[Any], strategy: int) -> bytes:
    packing = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP, zlib.DEF_MEM_LEVEL, strategy)
    return packing.compress(np.ascontiguousarray(values).data) + packing.flush()


def _unpacked(packed: bytes, size: int) -> bytes:
    """The bytes of a stream; ValueError unless there are as many as there must be."""
    stream = zlib.decompressobj(_GZIP)
    unpacked = stream.decompress(packed, size + 1)
    if len(unpacked) != size:
        raise ValueError("a slice has another size than its stack says")
    return unpacked
