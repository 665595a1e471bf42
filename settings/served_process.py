"""The processes that Firstread consists of, and which of them the settings give something to do."""

from __future__ import annotations

from enum import StrEnum

from settings.environment import Settings


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


def needed_parts(settings: Settings) -> list[ServedProcess]:
    """The parts that have something to do."""
    needed = {
        ServedProcess.RETRIEVAL: bool(settings.queried),
        ServedProcess.FLAGS: bool(settings.flags),
        ServedProcess.HL7: settings.hl7_listener is not None,
    }
    return [part for part in ServedProcess if needed.get(part, True)]
