"""The phantom's position and breath: the same chest, shifted, turned, and with another breath.

What is specified of a chest, lungs, vessels and lesions alike, stands in body space. A posture
takes body space to patient space: first the breath, then the turn, then the shift.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Values = NDArray[np.float32]

PIVOT_MM = (0.0, 12.0, -28.0)
"""What a turn leaves in its place: the middle of the lungs."""

_TOP_MM, _BOTTOM_MM = 110.0, -190.0  # of the lungs
_HEIGHT_MM = _TOP_MM - _BOTTOM_MM
_BACK_MM = 70.0  # the patient lies on it: the chest narrows towards it
_FAR_MM = 4000.0
_STEP_MM = 0.25


def rotation(
    *, about_x: float = 0.0, about_y: float = 0.0, about_z: float = 0.0
) -> NDArray[np.float64]:
    """A rotation matrix (degrees, about x first), to turn an orientation into an oblique one."""
    matrix = np.eye(3)
    for axis, degrees in enumerate((about_x, about_y, about_z)):
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        first, second = [(1, 2), (2, 0), (0, 1)][axis]
        turn = np.eye(3)
        turn[first, first] = turn[second, second] = cos
        turn[first, second], turn[second, first] = -sin, sin
        matrix = turn @ matrix
    return matrix


@dataclass(frozen=True)
class Breath:
    """How far the chest is from the full breath that it is specified in.

    Attributes
    ----------
    lift_mm : how much higher stands what lies below the lungs; their top stays, and what is
        between is compressed, the more the lower it lies
    narrowing : share of the depth from front to back that is lost
    """

    lift_mm: float = 0.0
    narrowing: float = 0.0

    def __post_init__(self) -> None:
        if 2.0 * abs(self.lift_mm) >= _HEIGHT_MM or not 0.0 <= self.narrowing < 1.0:
            raise ValueError("a breath must not fold the chest")

    def raised(self, z: Points) -> Points:
        """From z in body space to z in patient space, mm."""
        lifted: Points = z + self.lift_mm * self._share_of_lift(z)
        return lifted

    def narrowed(self, y: Points) -> Points:
        """From y in body space to y in patient space, mm."""
        moved: Points = _BACK_MM + (1.0 - self.narrowing) * (y - _BACK_MM)
        return moved

    def body_z(self, z: Values) -> Values:
        """The inverse of `raised`."""
        if self.lift_mm == 0.0:
            return z
        body, patient = self._table
        return np.interp(z, patient, body).astype(np.float32)

    def body_y(self, y: Values) -> Values:
        """The inverse of `narrowed`."""
        if self.narrowing == 0.0:
            return y
        body: Values = (_BACK_MM + (y - _BACK_MM) / (1.0 - self.narrowing)).astype(np.float32)
        return body

    def compression(self, z: Values) -> Values:
        """How many times denser tissue lies at a height in body space."""
        slope = 2.0 * np.clip((_TOP_MM - z) / _HEIGHT_MM, 0.0, 1.0) / _HEIGHT_MM
        size = (1.0 - self.lift_mm * slope) * (1.0 - self.narrowing)
        denser: Values = (1.0 / size).astype(np.float32)
        return denser

    @staticmethod
    def _share_of_lift(z: Points) -> Points:
        share: Points = np.clip((_TOP_MM - z) / _HEIGHT_MM, 0.0, 1.0) ** 2
        return share

    @cached_property
    def _table(self) -> tuple[Points, Points]:
        """Heights in body space and in patient space, rising."""
        between = np.arange(_BOTTOM_MM, _TOP_MM + _STEP_MM, _STEP_MM)
        body = np.concatenate(([-_FAR_MM], between, [_FAR_MM]))
        return body, self.raised(body)


@dataclass(frozen=True)
class Posture:
    """Where the chest lies, and how it breathes.

    Attributes
    ----------
    turn_degrees : about x, then y, then z, around the middle of the lungs
    shift_mm : LPS
    """

    turn_degrees: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    breath: Breath = field(default_factory=Breath)

    @cached_property
    def placing(self) -> NDArray[np.float64]:
        """Shape (4, 4): from a chest that has breathed to patient space, mm."""
        about_x, about_y, about_z = self.turn_degrees
        matrix = np.eye(4)
        matrix[:3, :3] = rotation(about_x=about_x, about_y=about_y, about_z=about_z)
        pivot = np.array(PIVOT_MM)
        matrix[:3, 3] = pivot - matrix[:3, :3] @ pivot + np.array(self.shift_mm)
        return matrix

    def place(self, body_mm: Points) -> Points:
        """From body space to patient space.

        Parameters
        ----------
        body_mm : shape (n, 3)
        """
        x, y, z = body_mm.T
        breathed = np.stack([x, self.breath.narrowed(y), self.breath.raised(z)])
        placed: Points = (self.placing[:3, :3] @ breathed + self.placing[:3, 3:]).T
        return placed

    def body(self, placed_mm: Points) -> Points:
        """From patient space to body space; the inverse of `place`.

        Parameters
        ----------
        placed_mm : shape (n, 3), LPS
        """
        back = np.linalg.inv(self.placing)
        x, y, z = (placed_mm @ back[:3, :3].T + back[:3, 3]).T
        return np.stack(
            [
                x,
                self.breath.body_y(y.astype(np.float32)),
                self.breath.body_z(z.astype(np.float32)),
            ],
            axis=1,
        )
