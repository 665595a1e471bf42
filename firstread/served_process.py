"""The processes that Firstread consists of."""

from __future__ import annotations

from enum import StrEnum


class ServedProcess(StrEnum):
    """One process of Firstread; in the hospital size one container each."""

    NODE = "node"
    ANALYSIS = "analysis"
    FLAGS = "flags"
    DELIVERY = "delivery"
    HOUSEKEEPING = "housekeeping"
    RETRIEVAL = "retrieval"
    BEAT = "beat"
    WORKLIST = "worklist"
    HL7 = "hl7"
