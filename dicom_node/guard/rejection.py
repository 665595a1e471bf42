"""Why a peer's request for an association is turned down (PS3.8 Table 9-21)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rejection:
    """The three numbers of an A-ASSOCIATE-RJ (PS3.8 Table 9-21)."""

    result: int
    source: int
    diagnostic: int
