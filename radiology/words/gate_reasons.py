"""Why gates stopped an answer, in whole sentences: what each saw, and what it needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from radiology.outcome import QualityGate

_STOPS: Final = ".。"  # a bundle's own reason may end with one, or without


def without_stop(sentence: str) -> str:
    """A sentence that goes on: without the full stop at its end."""
    return sentence.rstrip().rstrip(_STOPS)


def gates_say(gates: Iterable[QualityGate]) -> str:
    """Each gate's reason with its figures, one sentence after the other."""
    return " ".join(
        f"{without_stop(gate.reason or gate.name)} ({gate.seen}; needed: {gate.limit})."
        for gate in gates
    )
