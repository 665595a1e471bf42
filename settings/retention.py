"""Retention: for how long each kind of thing is kept, and how full the disk may become."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Retention(BaseModel):
    """What goes by itself, and when. A number of days of 0 keeps that kind for ever.

    Attributes
    ----------
    originals_days : received images, counted from the last one of their study
    slices_days : slices for the page, counted from their result
    results_days : objects and pictures of a result that others have stored; the reading in the
        database stays
    quarantine_days : objects that were not stored, with their row
    events_days : events of studies; the scorecard counts from them
    audit_days : who did what at the page
    high_mark_percent : when so much of the disk is in use, what is oldest goes before its age …
    low_mark_percent : … until no more than this is in use
    shortest_hours : nothing younger goes by a mark
    treatment_days : a patient with a newer study that is not older counts as under treatment, and
        what it may be compared with stays
    every_s : how often is looked for what may go
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    originals_days: float = Field(default=30, ge=0)
    slices_days: float = Field(default=90, ge=0)
    results_days: float = Field(default=730, ge=0)
    quarantine_days: float = Field(default=90, ge=0)
    events_days: float = Field(default=1095, ge=0)
    audit_days: float = Field(default=2190, ge=0)  # six years: 45 CFR 164.316(b)(2)(i)
    high_mark_percent: float = Field(default=85, gt=0, le=100)
    low_mark_percent: float = Field(default=75, gt=0, le=100)
    shortest_hours: float = Field(default=1, ge=0)
    treatment_days: float = Field(default=30, ge=0)
    every_s: float = Field(default=60, gt=0)

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        if self.low_mark_percent >= self.high_mark_percent:
            raise ValueError("low_mark_percent is not below high_mark_percent")
        return self
