"""What the rules of severity say of many patients is said in the reader's language."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from chest.answer.statements import severity_statements
from chest.values.figures import Side
from chest.values.lobe import Lobe
from chest.values.severity import assess_severity
from chest.values.severity.imaging import ImagingFindings, Pneumonia
from radiology.clinical import ClinicalValues, LesionMeasurement
from radiology.clinical.values import Ventilation
from radiology.language import Language
from radiology.sex import Sex
from tests.unit.worklist.seeding import START
from tests.unit.worklist.words.test_chinese_screens import CITATIONS, OF_THE_FIELD, UNITS
from worklist.reading.score_lines import topic_lines
from worklist.words.translations import translated, use_language

_WORD = re.compile(r"[A-Za-z]{2,}")
_ALL = {
    "age_years": 71.0,
    "sex": Sex.MALE,
    "symptoms": True,
    "respiratory_rate_per_min": 24.0,
    "spo2_percent": 90.0,
    "on_oxygen": True,
    "oxygen_flow_l_min": 3.0,
    "pao2_fio2_mmhg": 350.0,
    "altitude_m": 2000.0,
    "ventilation": Ventilation.NONE,
    "shock": False,
    "organ_failure_in_icu": False,
    "systolic_mmhg": 100.0,
    "diastolic_mmhg": 60.0,
    "confusion": True,
    "gcs": 14,
    "urea_mmol_l": 9.0,
    "crp_mg_l": 120.0,
    "comorbidity_count": 2,
}


def _patients() -> Iterator[ClinicalValues]:
    """Nothing, everything, each value alone, each missing alone, and those outside of rules."""
    yield ClinicalValues()
    yield ClinicalValues(**_ALL)  # type: ignore[arg-type]
    for name, value in _ALL.items():
        yield ClinicalValues(**{name: value})  # type: ignore[arg-type]
        yield ClinicalValues(**{k: v for k, v in _ALL.items() if k != name})  # type: ignore[arg-type]
    for changed in (
        {"age_years": 12.0},
        {"age_years": 81.0, "crp_mg_l": 300.0, "urea_mmol_l": 30.0, "gcs": 3, "spo2_percent": 80.0},
        {"age_years": 30.0, "confusion": False, "urea_mmol_l": 3.0, "comorbidity_count": 0},
        {"symptoms": False},
        {"shock": True},
        {"oxygen_flow_l_min": 9.0},
        {"ventilation": Ventilation.INVASIVE},
        {"on_oxygen": False, "oxygen_flow_l_min": None, "spo2_percent": 97.0},
        {"respiratory_rate_per_min": 34.0},
    ):
        yield ClinicalValues(**(_ALL | changed))  # type: ignore[arg-type]


def _images() -> Iterator[ImagingFindings]:
    """Lungs and lobes with and without shares; two studies apart by hours of every kind."""
    shares = {Side.RIGHT: 12.0, Side.LEFT: 80.0}
    lobes = dict.fromkeys(Lobe, 30.0)
    for pneumonia in Pneumonia:
        yield ImagingFindings(pneumonia)
        yield ImagingFindings(pneumonia, shares, lobes)
        yield ImagingFindings(pneumonia, {Side.RIGHT: 12.0}, {next(iter(Lobe)): 1.0})
        for hours, before, share in itertools.product((3, 30), (0.0, 12.0, 90.0), (True, False)):
            now = _measured(START, 40.0, share=share)
            prior = _measured(START - timedelta(hours=hours), before, share=share)
            yield ImagingFindings(pneumonia, shares, lobes, now, prior)
    yield ImagingFindings(
        Pneumonia.YES,
        shares,
        lobes,
        _measured(START, 40.0, share=True),
        _measured(START - timedelta(hours=30), 20.0, share=False),
    )


def _measured(at: object, amount: float, *, share: bool) -> LesionMeasurement:
    given = {"lesion_share_percent" if share else "lesion_volume_ml": amount}
    return LesionMeasurement(acquired_at=at, **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def said() -> set[str]:
    """Give every text of the scores, in Chinese."""
    use_language(Language.CHINESE)
    try:
        return set(_texts())
    finally:
        use_language(Language.ENGLISH)


def _texts() -> Iterator[str]:
    judged = itertools.chain(
        (assess_severity(image, None) for image in _images()),
        (assess_severity(ImagingFindings(Pneumonia.YES), values) for values in _patients()),
    )
    for severity in judged:
        for topic in topic_lines(severity_statements(severity)):
            yield topic.title
            for score in (*topic.scores, *topic.unanswered):
                yield from (score.name, score.label, score.note, score.source, score.published)
                yield from (translated(one) for one in score.missing)
                for given in score.inputs:
                    yield from (translated(given.title), given.value, given.effect)


def test_no_english_is_left(said: set[str]) -> None:
    allowed = UNITS | OF_THE_FIELD
    left = {
        text: sorted(words)
        for text in said
        if text not in CITATIONS and (words := set(_WORD.findall(text)) - allowed - {"qCSI"})
    }
    assert left == {}
    assert len(said) > 150
