"""The words of a label: the finer class of a finding, by which studies are filtered."""

from __future__ import annotations

from typing import Final

from chest.values.case_answer import PneumoniaType
from worklist.words.translations import translated

_WORDS: Final = {kind.value: kind.words for kind in PneumoniaType}


def label_words(label: str) -> str:
    """What a reader sees; a label that only its bundle knows is shown as the bundle names it."""
    return translated(_WORDS[label]) if label in _WORDS else label.replace("_", " ")
