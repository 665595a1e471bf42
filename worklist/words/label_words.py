"""The words for labels: the finer classes of a finding, by which studies are filtered."""

from __future__ import annotations

from models.schema_2.rows import words_of_labels
from worklist.words.translations import translated


def label_words(label: str) -> str:
    """What a reader sees; a label that only its bundle knows is shown as the bundle names it."""
    known = words_of_labels().get(label)
    return label.replace("_", " ") if known is None else translated(known)
