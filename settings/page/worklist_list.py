"""The list: what it says of a patient."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class WorklistList(BaseModel):
    """What the list says of a patient.

    Attributes
    ----------
    patient_names : the list shows names and finds them; without it no name is kept in the database
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    patient_names: bool = False
