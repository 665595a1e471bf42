"""Fluid in the pleural cavity."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effusion:
    """Plain pleural effusion of either side; 0 where none was found.

    Attributes
    ----------
    mean_hu : attenuation of all of it
    """

    right_ml: float
    left_ml: float
    mean_hu: float
