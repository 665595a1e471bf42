"""What a chest's reading says beside its figures is said in the reader's language."""

from __future__ import annotations

import re

import pytest

from chest.lobes.fissure import _why_not_seen
from chest.values.effusion import Effusion
from chest.values.other_disease import OtherDisease
from chest.values.territory import Boundary
from radiology.language import Language
from tests.unit.worker.encode.encoded_chest import result_context, with_chest
from tests.unit.worker.encode.possible_opacity import with_possible
from worklist.reading.case_lines import case_lines
from worklist.reading.figures import possible_lines
from worklist.words.translations import use_language

_ENGLISH = re.compile(r"[A-Za-z]{3,}")  # units have two letters
FISSURES = ("right oblique fissure", "right horizontal fissure", "left oblique fissure")
REASONS = (
    _why_not_seen(0.9, 9.0, 0.2),
    _why_not_seen(0.1, 9.0, 0.9),
    _why_not_seen(0.9, 5.0, 0.9),
    "slices of 8.0 mm; at most 5 mm can be used",
    "this lung was not found",
    "too little of this lung",
    "too little healthy lung around it",
    "the oblique fissure was not seen",
)


@pytest.mark.parametrize("reason", REASONS)
def test_effusion_and_lobes_are_told_in_chinese(reason: str) -> None:
    context = with_chest(
        result_context("positive"),
        effusion=Effusion(right_ml=481.0, left_ml=60.0, mean_hu=9.8),
        other_disease=OtherDisease(12.3, 88.0),
        boundaries=tuple(Boundary(name, 0.1, False, reason, by_shape=True) for name in FISSURES),
    )
    use_language(Language.CHINESE)
    try:
        said = case_lines(context.reading)
        possible = possible_lines(with_possible(result_context("negative")).reading)
    finally:
        use_language(Language.ENGLISH)
    texts = [
        *(one.words for one in said.findings),
        *(text for one in said.remarks for text in (one.title, *one.texts)),
        *said.sentences,
        *(text for one in possible for text in (one.title, one.value)),
    ]
    assert len(texts) > 12
    assert [text for text in texts if _ENGLISH.search(text)] == []
