"""An estimate: a figure, its 95 % interval, and the number of cases behind it."""

from __future__ import annotations

from dataclasses import dataclass

LEVEL = 0.95
"""Confidence level of every interval in this package."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval.

    Attributes
    ----------
    value : None when there is nothing to compute it from
    low, high : ends of the 95 % interval; None together
    count : cases that the figure is computed from
    """

    value: float | None
    low: float | None
    high: float | None
    count: int

    @classmethod
    def undefined(cls, count: int = 0) -> Estimate:
        """The estimate of a figure that these cases do not determine."""
        return cls(None, None, None, count)

    @property
    def interval(self) -> list[float] | None:
        """Both ends, as the JSON gives them; None when there is no interval."""
        if self.low is None or self.high is None:
            return None
        return [self.low, self.high]

    def entries(self, key: str) -> dict[str, float | list[float] | None]:
        """The entries `key` and `key_ci95` of a JSON object."""
        return {key: self.value, f"{key}_ci95": self.interval}

    def __str__(self) -> str:
        if self.value is None:
            return "not defined"
        if self.low is None or self.high is None:
            return f"{self.value:.3f}, n = {self.count}"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}], n = {self.count}"
