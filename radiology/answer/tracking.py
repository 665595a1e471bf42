"""The identity of a finding, the same in every object and in every study of the patient."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tracking:
    """Tracking ID and Tracking UID (PS3.3 C.8.20.4)."""

    identifier: str
    uid: str
