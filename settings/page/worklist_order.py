"""The order of the list: how long a study may stand behind newer studies, and stays listed."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_DAY_S = 24 * 3600.0


class WorklistOrder(BaseModel):
    """The order of the list: by urgency, with a limit to what urgency may do to the others.

    Attributes
    ----------
    longest_wait_s : a study that nobody has opened stands behind none that came so much later,
        unless that one is urgent; with 0 the list is in the order of arrival
    longest_wait_behind_urgent_s : the same where the later one is urgent
    listed_days : studies that came earlier are found by search and by the filter of dates only
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    longest_wait_s: float = Field(default=_DAY_S, ge=0)
    longest_wait_behind_urgent_s: float = Field(default=7 * _DAY_S, ge=0)
    listed_days: int = Field(default=7, ge=1, le=3650)

    @model_validator(mode="after")
    def _urgent_is_not_last(self) -> Self:
        if self.longest_wait_behind_urgent_s < self.longest_wait_s:
            raise ValueError("longest_wait_behind_urgent_s is shorter than longest_wait_s")
        return self
