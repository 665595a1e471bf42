"""With our own slices along, a loss on them is measured and said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("skimage")

from tests.builders.stored.site_folder import write_cases
from tests.unit.training.our_slices import (
    corpus_of_schema_2,
    corpus_of_schema_3,
    covid_ct,
    data_folder,
    figures,
)
from tests.unit.training.site_runs import shelf, shipped_of_schema_2, words
from training.new_cases import main
from training.site.of_schema_2 import fine_tune
from training.site.of_schema_2 import learner as of_schema_2
from training.site.of_schema_3 import learner as of_schema_3
from training.site.of_schema_3.fine_tune import mask_batches, score_batches

pytestmark = pytest.mark.timeout(900)  # as in test_new_cases.py


def _entries(
    bundles: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[dict[str, Any], str]:
    """What the training prints, and the card that it writes."""
    cases, data = write_cases(folder / "cases", 12, labels=True), data_folder(folder / "data")
    assert main(words(cases, bundles, folder / "build", data=data, steps=1)) == 0
    (card,) = bundles.glob(".candidates/*/*/MODEL_CARD.md")
    return json.loads(capsys.readouterr().out), card.read_text()


def test_our_own_slices_go_along_and_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(of_schema_2, "read_corpus", lambda _: corpus_of_schema_2())
    for module in (of_schema_2, fine_tune):
        monkeypatch.setattr(module, "read_covid_ct", lambda _: covid_ct())
    entries, card = _entries(shelf(tmp_path / "bundles", shipped_of_schema_2()), tmp_path, capsys)
    assert entries["learnt"] == "segmentation and classification"
    house = entries["house"]
    assert (house["dice_n"], house["lung_dice_n"], house["auc_n"]) == (3, 3, 4)
    assert house["dice_old"] is not None
    assert not any("--data" in note for note in entries["notes"])
    assert any("had seen most of our own held-out slices" in note for note in entries["notes"])
    assert "On our own held-out slices" in card
    assert "Our own data beside the site's: some." in card


def test_with_schema_3_too(
    chest_base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its base was trained on none of our held-out slices."""
    monkeypatch.setattr(of_schema_3, "read_corpus", lambda _: corpus_of_schema_3())
    entries, card = _entries(shelf(tmp_path / "bundles", chest_base), tmp_path, capsys)
    assert entries["learnt"] == "segmentation and classification"
    house = entries["house"]
    assert (house["dice_n"], house["lung_dice_n"], house["auc_n"]) == (3, 3, 4)
    assert not any("--data" in note for note in entries["notes"])
    assert any("Neither bundle was trained on our own" in note for note in entries["notes"])
    assert "Our own data beside the site's: some." in card


def test_two_thirds_of_a_batch_are_ours() -> None:
    """And no slice of ours that is held out is among them."""
    site, corpus = figures(300, 20), corpus_of_schema_3()
    masks, scores = mask_batches(site, corpus), score_batches(site, corpus)
    for of_site, all_of_it, shares in (
        (10, 30, [(one.slices, one.count) for one in masks.drawn]),
        (8, 24, [(one.figures.slices, one.count) for one in scores.asked]),
    ):
        counts = [count for slices, count in shares if slices is site.slices]
        assert (sum(counts), sum(count for _, count in shares)) == (of_site, all_of_it)
        unseen = (corpus.doctors.held_out, corpus.lungs2d.held_out, corpus.covid_ct.val.slices)
        assert not any(slices is one for slices, _ in shares for one in unseen)
    assert scores.others == ()
    assert len(mask_batches(site, None).drawn) == len(score_batches(site, None).asked) == 1


def test_data_that_is_not_whole_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases, data = write_cases(tmp_path / "cases", 8), data_folder(tmp_path / "data")
    bundles = shelf(tmp_path / "bundles", shipped_of_schema_2())
    assert main(words(cases, bundles, tmp_path / "build", data=data)) == 2
    assert "has not all that the base was trained on" in capsys.readouterr().err
