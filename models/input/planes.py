"""Planes of a network's input, made on demand without a whole copy of the volume."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.declared.inputs import InputChannel, NetworkInput
from models.input.grid import Grid
from models.input.orient import Oriented

Floats = NDArray[np.float32]


def to_channels(hounsfield: Floats, channels: Sequence[InputChannel]) -> Floats:
    """HU to what the network is fed, float32, with the channels as first axis."""
    made = np.empty((len(channels), *hounsfield.shape), dtype=np.float32)
    for into, channel in zip(made, channels, strict=True):
        np.clip(hounsfield, channel.low_hu, channel.high_hu, out=into)
        into -= np.float32(channel.mean_hu)
        into /= np.float32(channel.deviation_hu)
    return made


class Planes:
    """The planes of a network's canvas; padding is 0 in the network's own units.

    Parameters
    ----------
    oriented : the volume as the network wants it turned
    grid : how it lies on the canvas
    fed : the input
    """

    def __init__(self, oriented: Oriented, grid: Grid, fed: NetworkInput) -> None:
        self._volume = oriented.hounsfield
        self._grid = grid
        self._channels = fed.channels
        self._low = min(one.low_hu for one in fed.channels)
        self._high = max(one.high_hu for one in fed.channels)
        self._along_planes = grid.planes.forward(fed.interpolation)
        self._along_rows = grid.rows.forward(fed.interpolation)
        self._along_columns = grid.columns.forward(fed.interpolation)
        self._made: dict[int, Floats] = {}

    @property
    def count(self) -> int:
        """Of the canvas."""
        return self._grid.planes.canvas

    def take(self, places: Sequence[int]) -> Floats:
        """Planes of the canvas, shape (channels, planes, rows, columns).

        Those that lie before all of these are forgotten: ask in rising order.
        """
        first = min(places)
        self._made = {at: plane for at, plane in self._made.items() if at >= first}
        for place in places:
            if place not in self._made:
                self._made[place] = self._make(place)
        return np.stack([self._made[place] for place in places], axis=1)

    def _make(self, place: int) -> Floats:
        rows, columns = self._grid.rows, self._grid.columns
        plane = np.zeros((len(self._channels), rows.canvas, columns.canvas), dtype=np.float32)
        inside = self._grid.planes.inside
        if inside.start <= place < inside.stop:
            hounsfield = self._mixed(place - inside.start)
            hounsfield = self._along_columns.apply(self._along_rows.apply(hounsfield, 0), 1)
            plane[:, rows.inside, columns.inside] = to_channels(hounsfield, self._channels)
        return plane

    def _mixed(self, place: int) -> Floats:
        """One plane between those of the volume, HU.

        Held between the channels' limits before anything is averaged: padding of −2000 and metal
        must not bleed into their neighbours.
        """
        mixed: Floats | None = None
        for at, weight in self._along_planes.needed(place).items():
            part = np.clip(self._volume[at], self._low, self._high)
            part = part if weight == 1.0 else part * np.float32(weight)
            mixed = part if mixed is None else mixed + part
        assert mixed is not None
        return mixed


def with_neighbours(planes: Planes, place: int, neighbours: int) -> Floats:
    """The channels of a plane and its neighbours, the lowest first: (channels, rows, columns).

    Beyond the first and the last plane, these stand in for what is not there.
    """
    around = np.clip(
        np.arange(place - neighbours, place + neighbours + 1), 0, planes.count - 1
    ).tolist()
    stack = planes.take(around)
    channels, count, rows, columns = stack.shape
    return stack.transpose(1, 0, 2, 3).reshape(channels * count, rows, columns)
