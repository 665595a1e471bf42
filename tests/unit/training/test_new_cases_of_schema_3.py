"""A site trains a chest bundle of schema 3 further: one network, and nothing else, is new."""

from __future__ import annotations

import json
import logging
import tomllib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("skimage")

import torch
from numpy.typing import NDArray

from chest.model.load import load_model
from models.candidates import candidates_folder
from models.catalogue import read_catalogue
from models.declared_bundle import read_declared_bundle
from models.release.golden_answers import check_declared_golden
from models.release.seal import seal
from radiology.errors import BundleRejected
from settings.environment import Settings
from tests.builders.stored.site_folder import write_cases
from tests.unit.training.chest_bundle import untrained_network
from tests.unit.training.site_runs import (
    NAME,
    SiteRun,
    digests,
    interrupt,
    shelf,
    shipped_of_schema_2,
    words,
)
from training.chest.export import FLOAT32, INT8, largest_difference
from training.chest.network import SIZE, ChestSlabNet
from training.new_cases import main
from training.site.cases import read_site_cases
from training.site.hold_out import hold_out
from training.site.of_schema_3.bundle import SlabLearnt
from training.site.of_schema_3.fine_tune import held
from training.site.of_schema_3.read_back import read_chest, renew_chest
from training.site.open_learner import open_learner
from training.site.slice_set import Learnable

pytestmark = pytest.mark.timeout(900)  # as in test_new_cases.py


@pytest.fixture(scope="module")
def base(chest_base: Path) -> Path:
    """The folder of the base."""
    return chest_base


def _slabs(seed: int, count: int = 3) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((count, 3, SIZE, SIZE), dtype=np.float32)


def test_weights_that_are_read_back_answer_as_the_file_and_its_network(base: Path) -> None:
    network, recovered = untrained_network(), read_chest(base / FLOAT32)
    assert largest_difference(recovered, base / FLOAT32, _slabs(5)) < 1e-5
    with torch.inference_mode():
        slabs = torch.from_numpy(_slabs(6))
        for ours, theirs in zip(recovered(slabs), network(slabs), strict=True):
            assert torch.allclose(ours, theirs, atol=1e-3)


def test_renewed_weights_are_those_of_the_network(base: Path, tmp_path: Path) -> None:
    """Also where scales and shifts of frozen normalisations have moved as in a training."""
    network = read_chest(base / FLOAT32)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    network.train()  # a frozen normalisation normalises as before
    renew_chest(network, base / FLOAT32, tmp_path / FLOAT32)
    assert largest_difference(network, tmp_path / FLOAT32, _slabs(7)) < 1e-3
    assert largest_difference(read_chest(tmp_path / FLOAT32), tmp_path / FLOAT32, _slabs(8)) < 1e-3


def test_a_file_with_other_layers_is_refused() -> None:
    """Such as the segmentation of schema 2."""
    with pytest.raises(BundleRejected, match="layers"):
        read_chest(shipped_of_schema_2() / "segmentation.onnx")


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> SiteRun:
    """Train once for all tests that only look."""
    return SiteRun(tmp_path_factory.mktemp("site"), base, shipped_of_schema_2(), slices=16)


def test_the_newest_in_use_is_the_base_and_stays_as_it_was(trained: SiteRun) -> None:
    assert trained.status == 0
    assert trained.left_the_base_alone()
    check_declared_golden(read_declared_bundle(trained.folder))
    assert read_catalogue(trained.bundles).newest(NAME).version == "3.0.0"
    assert read_catalogue(candidates_folder(trained.bundles)).newest(NAME).version == "3.1.0"


def test_the_candidate_is_read_as_a_chest_and_judged_as_the_base(
    trained: SiteRun, base: Path
) -> None:
    old, new = (load_model(read_declared_bundle(one), threads=1) for one in (base, trained.folder))
    assert (new.case, new.viral_threshold, new.sign_thresholds) == (
        *(old.case, old.viral_threshold, old.sign_thresholds),
    )
    assert (new.lesion_threshold, new.lesion_peak) == (old.lesion_threshold, old.lesion_peak)
    assert new.lobes_by_shape is not None
    patches = _slabs(9)[:, :1]
    assert new.finder.find(patches, 3.0).maps.right.shape == (3, SIZE, SIZE)


def test_only_what_changed_is_new(trained: SiteRun, base: Path) -> None:
    old, new = digests(base), digests(trained.folder)
    assert set(new) == {*old, "evaluation.json"}
    changed = {name for name in old if old[name] != new[name]}
    assert changed == {FLOAT32, INT8, "golden.json", "MODEL_CARD.md", "bundle.toml"}
    assert old["lobes.onnx"] == new["lobes.onnx"]
    declared = [
        tomllib.loads((folder / "bundle.toml").read_text()) for folder in (base, trained.folder)
    ]
    assert [one.pop("version") for one in declared] == ["3.0.0", "3.1.0"]
    files, licences = ([one.pop(key) for one in declared] for key in ("files", "licences"))
    assert files[1] == {name: one for name, one in new.items() if name != "bundle.toml"}
    assert licences[1][:-1] == licences[0]
    assert licences[1][-1]["data"].startswith("cases of the site")
    assert declared[0] == declared[1]
    lines = [(folder / "bundle.toml").read_text().splitlines() for folder in (base, trained.folder)]
    assert [line for line in lines[0] if line.startswith("#")] == [
        line for line in lines[1] if line.startswith("#")
    ]


def test_the_network_has_learnt_and_its_first_blocks_have_not(trained: SiteRun, base: Path) -> None:
    old, new = (read_chest(folder / FLOAT32) for folder in (base, trained.folder))
    for name, module in new.encoder._blocks[0].named_parameters():
        assert torch.equal(module, dict(old.encoder._blocks[0].named_parameters())[name])
    for layer in ("masks", "scores", "encoder"):
        pairs = zip(getattr(old, layer).parameters(), getattr(new, layer).parameters(), strict=True)
        assert any(not torch.equal(ours, theirs) for ours, theirs in pairs)


def test_the_report_holds_old_against_new(trained: SiteRun) -> None:
    facts = json.loads((trained.folder / "evaluation.json").read_text())
    assert facts["learnt"] == "segmentation and classification"
    assert facts["made"]["steps"] == {"chest": 2}
    for figure in ("dice", "auc", "accuracy"):
        assert facts["site"][f"{figure}_n"] >= 2
        assert facts["site"][f"{figure}_old"] is not None
    slices = read_site_cases(trained.cases).slices
    held_cases = hold_out(slices)
    learnt = {one.digest for one in slices if one.case not in held_cases}
    assert set(facts["trained_pictures"]) == learnt
    card = (trained.folder / "MODEL_CARD.md").read_text()
    assert "## The card of the base" in card
    assert "steps: chest 2" in card
    assert "Secret" not in card + json.dumps(facts)
    assert "old against new" in trained.report.read_text().lower()


def test_an_interrupted_training_goes_on_and_a_candidate_is_a_base_too(
    trained: SiteRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cases = write_cases(tmp_path / "cases", 24)  # the first sixteen are those of before
    bundles = shelf(tmp_path / "bundles", trained.folder)
    version = trained.folder.name
    asked = words(cases, bundles, tmp_path / "build", base=f"{NAME}/{version}", version="3.5.0")
    with monkeypatch.context() as patched:
        patched.setattr(SlabLearnt, "write", interrupt)
        assert main(asked) == 130
    caplog.set_level(logging.INFO)
    assert main(asked) == 0
    assert "chest: going on from step 2" in caplog.text
    entries = json.loads(capsys.readouterr().out)
    assert entries["candidate"] == f"{NAME}/3.5.0"
    assert entries["learnt"] == "segmentation"
    assert "auc_old" not in entries
    folder = candidates_folder(bundles) / NAME / "3.5.0"
    again = read_declared_bundle(folder)
    licences = [one for one in again.licences if one.data.startswith("cases of the site")]
    assert len(licences) == 1
    # Without labels and without slices of ours the encoder and the scores stay as they were.
    old, new = (read_chest(one / FLOAT32) for one in (trained.folder, folder))
    for part in ("encoder", "scores"):
        before, after = (getattr(one, part).state_dict() for one in (old, new))
        assert all(torch.allclose(before[name], after[name], atol=1e-6) for name in before)
    assert not torch.equal(old.masks.weight, new.masks.weight)


def test_a_bundle_that_does_not_read_chests_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases, bundles = write_cases(tmp_path / "cases", 8), Settings().bundles_folder
    assert main(words(cases, bundles, tmp_path / "build", base="head-ct-haemorrhage")) == 2
    assert "does not read chests" in capsys.readouterr().err


def test_a_base_without_an_int8_form_is_refused(base: Path, tmp_path: Path) -> None:
    folder = shelf(tmp_path, base) / NAME / base.name
    (folder / INT8).unlink()
    text = (folder / "bundle.toml").read_text()
    (folder / "bundle.toml").write_text(text.replace(f'\nint8 = "{INT8}"', ""))
    with pytest.raises(BundleRejected, match="one network, in two forms"):
        open_learner(seal(folder))


def test_what_the_site_says_nothing_about_is_held() -> None:
    """Labels alone: only the scores go on. Masks alone: not the encoder, nor the scores."""
    network = ChestSlabNet(widths=(8, 8, 8, 8))

    def goes_on(*, lesions: bool, scores: bool, alone: bool) -> set[str]:
        copied = held(network, Learnable(lesions=lesions, scores=scores), alone=alone)
        free = (name for name, one in copied.named_parameters() if one.requires_grad)
        return {name.split(".")[0] for name in free}

    everything = {name.split(".")[0] for name, _ in network.named_parameters()}
    for alone in (True, False):
        assert goes_on(lesions=False, scores=True, alone=alone) == {"scores"}
        assert goes_on(lesions=True, scores=True, alone=alone) == everything
    assert goes_on(lesions=True, scores=False, alone=False) == everything
    assert goes_on(lesions=True, scores=False, alone=True) == everything - {"encoder", "scores"}
    assert all(one.requires_grad for one in network.parameters())
