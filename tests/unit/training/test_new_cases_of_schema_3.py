"""A site trains a chest bundle of schema 3 further: its networks, and nothing else, are new."""

from __future__ import annotations

import json
import logging
import shutil
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
from tests.peers.programs import REPOSITORY
from tests.unit.training.chest_bundle import untrained_masks, untrained_scores
from tests.unit.training.site_runs import (
    NAME,
    SiteRun,
    digests,
    interrupt,
    shelf,
    shipped_of_schema_2,
    words,
)
from training.chest.network import SIZE, MaskNet
from training.chest.release.declaration import VERSION
from training.chest.release.export import MASKS_FILE, SCORES_FILE, compare_masks, compare_scores
from training.chest.scores.network import SIZE as SCORE_SIZE
from training.new_cases import main
from training.site.cases import read_site_cases
from training.site.hold_out import hold_out
from training.site.of_schema_3.bundle import ChestLearnt
from training.site.of_schema_3.fine_tune import held
from training.site.of_schema_3.learner import ChestLearner
from training.site.of_schema_3.read_back import (
    read_masks,
    read_scores,
    renew_masks,
    renew_scores,
)
from training.site.open_learner import open_learner

pytestmark = pytest.mark.timeout(900)  # as in test_new_cases.py


@pytest.fixture(scope="module")
def base(chest_base: Path) -> Path:
    """The folder of the base."""
    return chest_base


def _slices(seed: int) -> NDArray[np.float32]:
    """What the network of scores is fed."""
    shape = (3, 1, SCORE_SIZE, SCORE_SIZE)
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def _slabs(seed: int, count: int = 3) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((count, 3, SIZE, SIZE), dtype=np.float32)


def test_weights_that_are_read_back_answer_as_the_file_and_its_network(base: Path) -> None:
    masks, scores = read_masks(base / MASKS_FILE), read_scores(base / SCORES_FILE)
    assert compare_masks(masks, base / MASKS_FILE, _slabs(5)) < 1e-5
    assert compare_scores(scores, base / SCORES_FILE, _slices(5)) < 1e-5
    slabs = torch.from_numpy(_slabs(6))
    with torch.inference_mode():
        for ours, theirs in zip(masks(slabs), untrained_masks()(slabs), strict=True):
            assert torch.allclose(ours, theirs, atol=2e-2)
        assert torch.allclose(scores(slabs[:, :1]), untrained_scores()(slabs[:, :1]), atol=2e-2)


def test_renewed_weights_are_those_of_the_network(base: Path, tmp_path: Path) -> None:
    """Also where scales and shifts of frozen normalisations have moved as in a training."""
    masks, scores = read_masks(base / MASKS_FILE), read_scores(base / SCORES_FILE)
    for network in (masks, scores):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.01 * torch.randn_like(parameter))
        network.train()  # a frozen normalisation normalises as before
    renew_masks(masks, base / MASKS_FILE, tmp_path / MASKS_FILE)
    renew_scores(scores, base / SCORES_FILE, tmp_path / SCORES_FILE)
    assert compare_masks(masks, tmp_path / MASKS_FILE, _slabs(7)) < 1e-2
    assert compare_masks(read_masks(tmp_path / MASKS_FILE), tmp_path / MASKS_FILE, _slabs(8)) < 1e-5
    assert compare_scores(scores, tmp_path / SCORES_FILE, _slices(7)) < 1e-2
    for name in (MASKS_FILE, SCORES_FILE):
        assert (tmp_path / name).stat().st_size < 1.02 * (base / name).stat().st_size


def test_a_file_with_other_layers_is_refused() -> None:
    """Such as the networks of schema 2."""
    for read, name in ((read_masks, "segmentation.onnx"), (read_scores, "classification.onnx")):
        with pytest.raises(BundleRejected, match="today's training"):
            read(shipped_of_schema_2() / name)


NEXT = "3.2.0"  # after VERSION


def test_a_base_of_an_earlier_training_is_refused_with_what_to_do() -> None:
    """The scores of 3.0.0 see slices of another size."""
    earlier = read_declared_bundle(REPOSITORY / "models" / "bundles" / NAME / "3.0.0")
    with pytest.raises(BundleRejected, match=r"earlier training.*Begin from a newer version"):
        ChestLearner.of(earlier)


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> SiteRun:
    """Train once for all tests that only look."""
    return SiteRun(tmp_path_factory.mktemp("site"), base, shipped_of_schema_2(), slices=16)


def test_the_newest_in_use_is_the_base_and_stays_as_it_was(trained: SiteRun) -> None:
    assert trained.status == 0
    assert trained.left_the_base_alone()
    check_declared_golden(read_declared_bundle(trained.folder))
    assert read_catalogue(trained.bundles).newest(NAME).version == VERSION
    assert read_catalogue(candidates_folder(trained.bundles)).newest(NAME).version == NEXT


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
    assert new.finder.find(patches, 3.0).right.shape == (3, SIZE, SIZE)


def test_only_what_changed_is_new(trained: SiteRun, base: Path) -> None:
    old, new = digests(base), digests(trained.folder)
    assert set(new) == {*old, "evaluation.json"}
    changed = {name for name in old if old[name] != new[name]}
    assert changed == {MASKS_FILE, SCORES_FILE, "golden.json", "MODEL_CARD.md", "bundle.toml"}
    assert old["lobes.onnx"] == new["lobes.onnx"]
    declared = [
        tomllib.loads((folder / "bundle.toml").read_text()) for folder in (base, trained.folder)
    ]
    assert [one.pop("version") for one in declared] == [VERSION, NEXT]
    files, licences = ([one.pop(key) for one in declared] for key in ("files", "licences"))
    assert files[1] == {name: one for name, one in new.items() if name != "bundle.toml"}
    assert licences[1][:-1] == licences[0]
    assert licences[1][-1]["data"].startswith("cases of the site")
    assert declared[0] == declared[1]
    lines = [(folder / "bundle.toml").read_text().splitlines() for folder in (base, trained.folder)]
    assert [line for line in lines[0] if line.startswith("#")] == [
        line for line in lines[1] if line.startswith("#")
    ]


def test_the_networks_have_learnt_and_their_encoders_have_not(trained: SiteRun, base: Path) -> None:
    """Nothing of ours was there to keep what encoders know."""
    for read, name, layer in (
        (read_masks, MASKS_FILE, "masks"),
        (read_scores, SCORES_FILE, "answer"),
    ):
        old, new = (read(folder / name) for folder in (base, trained.folder))
        assert _alike(old.encoder, new.encoder)
        assert not _alike(getattr(old, layer), getattr(new, layer), exactly=True)


def _alike(old: torch.nn.Module, new: torch.nn.Module, *, exactly: bool = False) -> bool:
    """Whether weights are the same, otherwise as far as 16 bits tell."""
    tolerance = {} if exactly else {"rtol": 1e-3, "atol": 1e-5}
    same = torch.equal if exactly else torch.allclose
    pairs = zip(old.state_dict().values(), new.state_dict().values(), strict=True)
    return all(same(ours, theirs, **tolerance) for ours, theirs in pairs)


def test_the_report_holds_old_against_new(trained: SiteRun) -> None:
    facts = json.loads((trained.folder / "evaluation.json").read_text())
    assert facts["learnt"] == "segmentation and classification"
    assert facts["made"]["steps"] == {"masks": 2, "scores": 2}
    for figure in ("dice", "auc", "accuracy"):
        assert facts["site"][f"{figure}_n"] >= 2
        assert facts["site"][f"{figure}_old"] is not None
    slices = read_site_cases(trained.cases).slices
    held_cases = hold_out(slices)
    learnt = {one.digest for one in slices if one.case not in held_cases}
    assert set(facts["trained_pictures"]) == learnt
    card = (trained.folder / "MODEL_CARD.md").read_text()
    assert "## The card of the base" in card
    assert "steps: masks 2, scores 2" in card
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
        patched.setattr(ChestLearnt, "write", interrupt)
        assert main(asked) == 130
    caplog.set_level(logging.INFO)
    assert main(asked) == 0
    assert "masks: going on from step 2" in caplog.text
    entries = json.loads(capsys.readouterr().out)
    assert entries["candidate"] == f"{NAME}/3.5.0"
    assert entries["learnt"] == "segmentation"
    assert "auc_old" not in entries
    folder = candidates_folder(bundles) / NAME / "3.5.0"
    again = read_declared_bundle(folder)
    licences = [one for one in again.licences if one.data.startswith("cases of the site")]
    assert len(licences) == 1
    # Without labels the scores stay as they were, to the byte.
    before, after = digests(trained.folder), digests(folder)
    assert before[SCORES_FILE] == after[SCORES_FILE]
    assert before[MASKS_FILE] != after[MASKS_FILE]


def test_a_bundle_that_does_not_read_chests_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases, bundles = write_cases(tmp_path / "cases", 8), Settings().bundles_folder
    assert main(words(cases, bundles, tmp_path / "build", base="head-ct-haemorrhage")) == 2
    assert "does not read chests" in capsys.readouterr().err


def test_a_base_with_another_form_is_refused(base: Path, tmp_path: Path) -> None:
    """Such as one whose scores have an int8 form, which would stay what it was."""
    folder = shelf(tmp_path, base) / NAME / base.name
    shutil.copyfile(folder / SCORES_FILE, folder / "scores-int8.onnx")
    text = (folder / "bundle.toml").read_text()
    declared = f'float32 = "{SCORES_FILE}"\n'
    (folder / "bundle.toml").write_text(
        text.replace(declared, f'{declared}int8 = "scores-int8.onnx"\n')
    )
    with pytest.raises(BundleRejected, match="each in one form"):
        open_learner(seal(folder))


def test_encoders_go_on_only_beside_slices_of_ours() -> None:
    network = MaskNet(widths=(8, 8, 8, 8))

    def goes_on(*, alone: bool) -> set[str]:
        free = (name for name, one in held(network, alone=alone).named_parameters()
                if one.requires_grad)  # fmt: skip
        return {name.split(".")[0] for name in free}

    everything = {name.split(".")[0] for name, _ in network.named_parameters()}
    assert goes_on(alone=False) == everything
    assert goes_on(alone=True) == everything - {"encoder"}
    assert all(one.requires_grad for one in network.parameters())
