"""The texts of the key picture: the same ones in every language, and a letter for each."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from fontTools.ttLib import TTFont

import chest.gates
import chest.plausibility_gates as plausible
import worker.encode
from chest.gate_measures import Scan
from chest.gates import Acquisition, check_gates
from chest.plausibility_gates import Outlined
from chest.triage.urgency import RULES
from chest.values.case_answer import ConfidenceWord, PneumoniaType
from chest.values.regions import ChestRegions
from chest.values.severity.guideline import NAME as GUIDELINE
from chest.values.severity.guideline import GuidelineClass
from chest.values.severity.point_scores import CURB_65, FOUR_C, QCSI
from chest.values.territory import Territory
from models.schema_2.sign import Sign
from radiology.language import Language
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from tests.unit.worker.encode.encoded_chest import EVERY_KIND
from tests.unit.worker.encode.full_reading import GIVEN, full_context
from worker.encode import DISCLAIMER, render_key_picture
from worker.encode.picture import wording
from worker.encode.picture.lettering import CHINESE_FONT, font, wrapped
from worker.encode.picture.texts_chinese import CHINESE, characters
from worker.encode.picture.texts_english import ENGLISH
from worker.encode.picture.wording import message_of, worded


def test_no_message_is_missing_in_either_language() -> None:
    """Each table has every text of the other, with as many figures in it."""
    assert len(ENGLISH) == len(set(ENGLISH))
    assert set(CHINESE) == set(ENGLISH)
    for english, chinese in CHINESE.items():
        assert english.count("{}") == chinese.count("{}"), english
        assert english == message_of(english), f"{english}: figures are written as {{}}"


def test_the_font_has_a_letter_for_every_character() -> None:
    """A missing letter is an empty box; fonts/README.md says how to make the font."""
    with TTFont(CHINESE_FONT) as read:
        known = read.getBestCmap()
    missing = [character for character in characters() if ord(character) not in known]
    assert missing == []
    assert (CHINESE_FONT.parent / "OFL.txt").read_text().startswith("Copyright 2014-2021 Adobe")


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("95 HU", "95 HU"),
        ("-12.5 %", "-12.5 %"),
        ("CT-3", "CT-3"),
        ("1e+03 ml", "1e+03 ml"),
        ("at most 3 jumps of the lungs' outline", "肺轮廓跳变至多 3 处"),
        ("Suspicion 73.0 %, threshold 50.0 %", "可疑度 73.0 %，阈值 50.0 %"),
    ],
)
def test_figures_are_carried_over(english: str, chinese: str) -> None:
    """Whatever the figure, a text is one entry of the table, and the figure stays as it is."""
    assert worded(english, Language.CHINESE) == chinese
    assert worded(english, Language.ENGLISH) == english


def test_an_unknown_text_is_shown_in_english() -> None:
    """A reader is better served by English than by nothing."""
    assert worded("something new: 3 ≥ 2", Language.CHINESE) == "something new: 3 >= 2"


def _gate_texts(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Names, figures, limits and reasons of every gate, passed, warning and refusing."""

    class Fit:
        pixel_scale = (1.0, 1.0)

    class Chest:
        areas = np.array([0, 10, 5])
        slice_mm, pixel_mm, fit = 1.0, 1.0, Fit()
        all_hounsfield = lungs = None  # the trachea is given

    small = Acquisition(patient_age_years=12.0, slice_thickness_mm=12.0)
    measured: tuple[tuple[float | None, ...], ...] = (
        (30.0, 10.0, 0.0, 30.0, 0.4),
        (30.0, 60.0, 5.0, 120.0, 0.01),
        (80.0, 100.0, 9.0, None, None),
        (10.0, None, 9.0, 95.0, 0.01),
    )
    for cut, noise, jumps, heart, share in measured:
        monkeypatch.setattr(chest.gates, "cut_in_plane", lambda _, cut=cut: (cut or 0) / 100)
        monkeypatch.setattr(chest.gates, "noise_hu", lambda _, noise=noise: noise)
        monkeypatch.setattr(chest.gates, "outline_jumps", lambda _, jumps=jumps: jumps)
        monkeypatch.setattr(chest.gates, "heart_hu", lambda _, heart=heart: heart)
        monkeypatch.setattr(chest.gates, "lung_share_of_body", lambda _, share=share: share)
        for slice_mm in (1.0, 7.0, 12.0):
            Chest.slice_mm, Chest.pixel_mm = slice_mm, slice_mm
            for lung_ml, acquisition in (
                (4e3, Acquisition(40.0)), (900.0, small), (9.0, small), (9e3, small), (2e4, small)
            ):  # fmt: skip
                for outlined, trachea_mm in _outlined():
                    monkeypatch.setattr(plausible, "trachea_mm", lambda *_, mm=trachea_mm: mm)
                    scan = cast("Scan", Chest())
                    for gate in check_gates(scan, outlined, lung_ml, acquisition):
                        yield from (gate.name, gate.seen, gate.limit)
                        if gate.reason:
                            yield gate.reason


def _outlined() -> Iterator[tuple[Outlined, float]]:
    """What a patient can have, and what none can; each with a length of trachea."""
    for hounsfield, place, outside_ml, trachea_mm in (
        (-300.0, 1, 0.0, 90.0),
        (-1000.0, 0, 20_000.0, 0.0),
        (3000.0, 2, 0.0, 90.0),
    ):
        lesions = np.zeros((3, 100, 100), dtype=np.uint8)
        lesions[place, :50], lesions[place, 50:] = 1, 2
        hu = np.full(lesions.shape, hounsfield, dtype=np.float32)
        regions = ChestRegions(np.ones_like(lesions), lesions)
        yield Outlined(hu, regions, 0.01, outside_ml=outside_ml, inside_ml=4000.0), trachea_mm


def _severity_texts() -> Iterator[str]:
    """Every answer that a rule can have which the picture names; those without one are left out."""
    for group in (*FOUR_C.groups, *CURB_65.groups, *QCSI.groups):
        yield from (group.grade, f"{group.grade} (2 points)")
    yield from (rule.name for rule in (FOUR_C, CURB_65, QCSI))
    yield from (GUIDELINE, "low (1 point)")
    for grade in GuidelineClass:
        yield grade.value
    for grade in (GuidelineClass.MILD, GuidelineClass.MODERATE, GuidelineClass.SEVERE):
        yield f"at least {grade}"  # critical is certain as soon as one criterion is met


def _texts_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield DISCLAIMER
    yield from _gate_texts(monkeypatch)
    yield from (rule.name for rule in RULES)
    yield from (urgency.value.upper() for urgency in Urgency)
    yield from _severity_texts()
    yield from (territory.value.capitalize() for territory in Territory)
    yield from (sign.words for sign in Sign)
    yield from (type_.words for type_ in PneumoniaType)
    yield from (f"Confidence {word} (0.50)" for word in ConfidenceWord)
    for side, fissure in (("right", "oblique"), ("right", "horizontal"), ("left", "oblique")):
        yield f"{side} {fissure} fissure not seen"


def test_every_text_from_elsewhere_is_in_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new gate, rule or sign cannot reach a Chinese site in English unseen."""
    texts = set(_texts_from_elsewhere(monkeypatch))
    assert len(texts) > 100
    assert sorted(text for text in texts if message_of(text) not in CHINESE) == []


def test_every_reason_in_the_code_of_the_gates_was_collected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What this test did not provoke would not be translated."""
    sources = [Path(one.__file__).read_text(encoding="utf-8") for one in (chest.gates, plausible)]
    written = {
        node.value
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value.endswith(".") and "\n" not in node.value and node.value[0].isupper()
    }
    docstrings = {text for text in written if message_of(text) not in CHINESE}
    collected = set(_gate_texts(monkeypatch))
    assert written - docstrings <= collected
    assert all(text.count(" ") > 1 for text in docstrings)


@EVERY_KIND
@pytest.mark.parametrize("zones", [False, True], ids=["lobes", "zones"])
def test_every_text_that_is_drawn_is_in_the_tables(
    kind: str, zones: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn in Chinese, the whole picture asks for no text that the table lacks."""
    asked: set[str] = set()

    class Recording(dict[str, str]):
        def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]
            asked.add(key)
            return super().get(key, default)

    monkeypatch.setitem(wording._TABLES, Language.CHINESE, Recording(CHINESE))
    context = replace(full_context(kind, zones=zones, clinical=GIVEN), language=Language.CHINESE)
    render_key_picture(context)
    ours = {"z {} mm", "lungs found", "slices without a gap"}
    from_the_test = {gate.seen for gate in context.reading.gates} | {
        text for gate in context.reading.gates for text in (gate.name, gate.limit, gate.reason)
    }
    known = set(CHINESE) | ours | {message_of(text) for text in from_the_test}
    assert asked - known == set()
    assert len(asked) > (8 if context.reading.outcome is Outcome.NOT_ASSESSABLE else 25)


def test_every_text_in_the_code_of_the_picture_is_in_the_tables() -> None:
    """Literals that are handed to `worded` are entries."""
    folder = Path(worker.encode.__file__).parent
    literals = {
        node.args[0].value
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "worded"
        and isinstance(node.args[0], ast.Constant)
    }
    assert literals
    assert {text for text in literals if message_of(str(text)) not in CHINESE} == set()


@EVERY_KIND
def test_a_chinese_picture_differs_in_its_words_alone(kind: str) -> None:
    """The layout is the same: as wide, and the slices lie at the same place."""
    context = full_context(kind)
    english = render_key_picture(context)
    chinese = render_key_picture(replace(context, language=Language.CHINESE))
    assert chinese.width == english.width
    inside = (200, 250, 460, 400)
    assert np.array_equal(np.asarray(chinese.crop(inside)), np.asarray(english.crop(inside)))
    words = (0, 0, 600, 80)
    assert not np.array_equal(np.asarray(chinese.crop(words)), np.asarray(english.crop(words)))


@pytest.mark.parametrize("language", Language)
def test_wrapped_lines_fit_and_lose_nothing(language: Language) -> None:
    """Lines break between words or characters, and a full stop never begins one."""
    text = (
        "层厚过大限制了可见内容：小而淡的病变会因平均而消失。 Thick slices limit what can be seen"
    )
    lines = wrapped(text, 15, 140, language)
    assert len(lines) > 3
    assert all(font(15, language).getlength(line) <= 140 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert not any(line.startswith(("。", "：", " ")) for line in lines)
