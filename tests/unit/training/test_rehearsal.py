"""With our own slices along, a loss on them is measured and said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from tests.builders.stored.site_folder import chest, write_cases
from tests.unit.training.site_runs import shelf, shipped_of_schema_2
from training.data.figures import CovidCt, FigureSet
from training.data.lung_sides import split_lung_sides
from training.data.slices import GRID, LESION_OF_UNKNOWN_KIND, SliceSet
from training.data.split import Parts
from training.new_cases import main
from training.segmentation.stages import Corpus
from training.site.of_schema_2 import fine_tune, learner

pytestmark = pytest.mark.timeout(900)  # as in test_new_cases.py


def _slices(name: str, first: int, count: int) -> SliceSet:
    drawn = [chest(1000 + first + number, GRID) for number in range(count)]
    return SliceSet(
        name=name,
        hu=np.stack([grey * 6.0 - 1150.0 for grey, _, _ in drawn]).astype(np.float16),
        lung=np.stack([split_lung_sides(lung > 0) for _, _, lung in drawn]),
        lesion=np.stack([lesion for _, lesion, _ in drawn]),
        sources=tuple(f"{name}{number}" for number in range(count)),
        true_hu=False,
    )


def _parts(name: str, first: int) -> Parts:
    whole = _slices(name, first, 9)
    return Parts(*(whole.at(np.arange(*ends)) for ends in ((0, 5), (5, 6), (6, 9))))


def _pseudo(parts: Parts) -> Parts:
    drawn = (parts.train.lesion * LESION_OF_UNKNOWN_KIND).astype(np.uint8)
    return replace(parts, train=replace(parts.train, lesion=drawn))


def _figures(first: int) -> FigureSet:
    slices = _slices("covid-ct", first, 4)
    viral = np.array([0, 1, 0, 1], dtype=np.int8)
    return FigureSet(slices, viral, np.full((4, 5), -1, dtype=np.int8))


def test_our_own_slices_go_along_and_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = Corpus(
        _parts("lungs2d", 0), _parts("doctors", 20), _pseudo(_parts("pseudo", 40)),
        _parts("negatives", 60),
    )  # fmt: skip
    figures = CovidCt(train=_figures(80), val=_figures(90))
    monkeypatch.setattr(learner, "read_corpus", lambda _: corpus)
    for module in (learner, fine_tune):
        monkeypatch.setattr(module, "read_covid_ct", lambda _: figures)
    (tmp_path / "data/training/some").mkdir(parents=True)
    (tmp_path / "data/training/some/file").write_text("slices")
    shelf(tmp_path / "bundles", shipped_of_schema_2())
    cases = write_cases(tmp_path / "cases", 12, labels=True)
    options = {
        "new-cases": cases, "bundles": tmp_path / "bundles", "build": tmp_path / "build",
        "data": tmp_path / "data", "steps": 1, "threads": 1,
    }  # fmt: skip
    assert main([f"--{name}={value}" for name, value in options.items()]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert entries["learnt"] == "segmentation and classification"
    house = entries["house"]
    assert (house["dice_n"], house["lung_dice_n"], house["auc_n"]) == (3, 3, 4)
    assert house["dice_old"] is not None
    assert not any("--data" in note for note in entries["notes"])
    assert any("had seen most of our own held-out slices" in note for note in entries["notes"])
    (card,) = tmp_path.glob("bundles/.candidates/*/*/MODEL_CARD.md")
    text = card.read_text()
    assert "On our own held-out slices" in text
    assert "Our own data beside the site's: some." in text
