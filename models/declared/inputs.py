"""The network inputs of a schema 3 bundle: slices, slices with neighbours, or patches."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from models.declared.network_files import NetworkFiles, read_network_files
from models.declared.section import DeclarationTable, listing, nearest

LOWEST_HU: Final = -4096.0
HIGHEST_HU: Final = 65535.0  # metal on scanners with an extended scale
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

_MOST_VOXELS = 2**27  # of one input: 512 MB as float32
_MOST_CHANNELS = 16
_MOST_NEIGHBOURS = 8
_SIDES = ("LR", "AP", "SI")
_OWN = "own"


class InputKind(StrEnum):
    """How a volume is cut for a network."""

    SLICES = "slices"
    SLICES_2_5D = "slices-2.5d"
    PATCHES_3D = "patches-3d"


class Fit(StrEnum):
    """How a slice lies on the network's rows and columns."""

    WHOLE_SLICE = "whole-slice"  # the longer side in mm fills it, the shorter is centred
    CENTRE = "centre"  # at the declared spacing; cut or padded around the centre


class Interpolation(StrEnum):
    """How values between voxels are found."""

    LINEAR = "linear"
    CUBIC = "cubic"
    AVERAGED = "linear-averaged"  # where the grid gets coarser, all voxels between are averaged


class Weighting(StrEnum):
    """How much a voxel counts by its place in a patch."""

    GAUSSIAN = "gaussian"
    EVEN = "even"


@dataclass(frozen=True, slots=True)
class InputChannel:
    """One channel of an input: (HU, held between two limits, less `mean_hu`) / `deviation_hu`."""

    low_hu: float
    high_hu: float
    mean_hu: float
    deviation_hu: float


@dataclass(frozen=True)
class NetworkInput:
    """What one network is fed.

    Attributes
    ----------
    network : its name in the bundle
    tensor : the name of the ONNX input, (n, channels, rows, columns) of slices,
        (n, channels, planes, rows, columns) of patches
    orientation : where the index of each axis grows, as in "SPL": planes to the head, rows to the
        back, columns to the patient's left
    spacing_mm : by axis; None keeps the volume's own
    size : rows and columns, of patches planes before them
    neighbours : of a 2.5-D input, on each side; channels are those of the lowest neighbour first
    overlap : of neighbouring patches, 0 to 0.9 of their size
    """

    network: str
    tensor: str
    kind: InputKind
    orientation: str
    spacing_mm: tuple[float | None, float | None, float | None]
    size: tuple[int, ...]
    channels: tuple[InputChannel, ...]
    interpolation: Interpolation
    fit: Fit = Fit.CENTRE
    neighbours: int = 0
    overlap: float = 0.0
    weighting: Weighting = Weighting.GAUSSIAN

    @property
    def channel_count(self) -> int:
        """Channels of the tensor: those of the slice and of its neighbours."""
        return len(self.channels) * (2 * self.neighbours + 1)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor, without its first axis."""
        return (self.channel_count, *self.size)


def read_networks(
    section: DeclarationTable, folder: Path, listed: Collection[str]
) -> dict[str, NetworkFiles]:
    """Read `networks`: one table for each, with its files."""
    names = section.names()
    if not names:
        raise section.problem(None, "there is no network", "Add [networks.main] with its files.")
    found = {}
    for name in names:
        if not NAME.fullmatch(name):
            raise section.problem(name, f'"{name}" is no name', "Use small letters, digits and _.")
        found[name] = read_network_files(section.section(name), folder, listed)
    return found


def read_inputs(section: DeclarationTable, networks: Collection[str]) -> dict[str, NetworkInput]:
    """Read `inputs`: one table for each network, under its name."""
    found = {}
    for name in section.names():
        if name not in networks:
            cure = f"{nearest(name, networks)}Networks are {listing(networks)}."
            raise section.problem(name, f'there is no network "{name}"', cure)
        found[name] = _read_input(section.section(name), name)
    for name in networks:
        if name not in found:
            raise section.problem(
                None, f'the input of the network "{name}" is missing', f"Add [inputs.{name}]."
            )
    return found


def _read_input(section: DeclarationTable, network: str) -> NetworkInput:
    kind = section.choice("kind", InputKind)
    patches = kind is InputKind.PATCHES_3D
    size = _read_size(section, patches=patches)
    fit = Fit.CENTRE if patches else section.choice("fit", Fit)
    read = NetworkInput(
        network=network,
        tensor=section.text("tensor"),
        kind=kind,
        orientation=_read_orientation(section),
        spacing_mm=_read_spacing(section, fit),
        size=size,
        channels=_read_channels(section),
        interpolation=(
            section.choice("interpolation", Interpolation)
            if section.has("interpolation")
            else Interpolation.LINEAR
        ),
        fit=fit,
        neighbours=(
            section.integer("neighbours", 1, _MOST_NEIGHBOURS)
            if kind is InputKind.SLICES_2_5D
            else 0
        ),
        overlap=section.number("overlap", 0.0, 0.9) if patches else 0.0,
        weighting=(
            section.choice("weighting", Weighting)
            if patches and section.has("weighting")
            else Weighting.GAUSSIAN
        ),
    )
    _refuse_large(section, read)
    section.close()
    return read


def _refuse_large(section: DeclarationTable, read: NetworkInput) -> None:
    voxels = read.channel_count
    for length in read.size:
        voxels *= length
    if voxels > _MOST_VOXELS:
        raise section.problem(
            "size", f"one input has {voxels} values", f"Use at most {_MOST_VOXELS} in all."
        )


def _read_size(section: DeclarationTable, *, patches: bool) -> tuple[int, ...]:
    """Rows and columns; of patches planes, rows and columns."""
    return tuple(section.integers("size", 1 if patches else 8, 4096, counts=(3 if patches else 2,)))


def _read_orientation(section: DeclarationTable) -> str:
    letters = section.text("orientation").upper()
    sides = [next((side for side in _SIDES if letter in side), "") for letter in letters]
    if len(letters) != 3 or set(sides) != set(_SIDES):
        raise section.problem(
            "orientation",
            f'"{letters}" is no orientation',
            "Write for planes, rows and columns where their index grows, one letter of each of "
            'LR, AP and SI: "SPL" is axial as DICOM shows it, "RAS" what MONAI calls RAS.',
        )
    return letters


def _read_spacing(
    section: DeclarationTable, fit: Fit
) -> tuple[float | None, float | None, float | None]:
    values = section.numbers_or_word("spacing_mm", _OWN, 0.05, 50.0, count=3)
    first, row, column = values
    if fit is Fit.WHOLE_SLICE and (row is not None or column is not None):
        raise section.problem(
            "spacing_mm",
            "rows and columns have a spacing and the whole slice is fitted",
            f'Write "{_OWN}" for both, or fit = "{Fit.CENTRE}".',
        )
    return first, row, column


def _read_channels(section: DeclarationTable) -> tuple[InputChannel, ...]:
    channels = tuple(_read_channel(one) for one in section.sections("channels", least=1))
    if len(channels) > _MOST_CHANNELS:
        raise section.problem(
            "channels", f"there are {len(channels)}", f"Use at most {_MOST_CHANNELS}."
        )
    return channels


def _read_channel(section: DeclarationTable) -> InputChannel:
    """Read `{ window_hu = […] }`, or `{ clip_hu = […], mean_hu = …, deviation_hu = … }`."""
    section.expect("window_hu", "clip_hu", "mean_hu", "deviation_hu")
    if section.has("window_hu"):
        low, high = _read_limits(section, "window_hu")
        channel = InputChannel(low, high, mean_hu=low, deviation_hu=high - low)
    else:
        low, high = _read_limits(section, "clip_hu")
        channel = InputChannel(
            low,
            high,
            mean_hu=section.number("mean_hu", LOWEST_HU, HIGHEST_HU),
            deviation_hu=section.number("deviation_hu", 1e-3, HIGHEST_HU),
        )
    section.close()
    return channel


def _read_limits(section: DeclarationTable, key: str) -> tuple[float, float]:
    low, high = section.numbers(key, LOWEST_HU, HIGHEST_HU, count=2)
    if low >= high:
        raise section.problem(key, "it is empty", "Write the lower limit first.")
    return low, high
