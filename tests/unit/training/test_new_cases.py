"""A site trains a bundle of schema 2 further: a candidate comes out, nothing else changes."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from models.candidates import candidates_folder, use_candidate, withdraw_bundle
from models.catalogue import read_catalogue
from models.declared.released import file_digest
from models.schema_2.bundle import read_bundle
from models.schema_2.golden import check_golden
from tests.builders.stored.site_folder import write_cases
from tests.unit.training.site_runs import (
    NAME,
    SiteRun,
    digests,
    interrupt,
    next_minor,
    shelf,
    shipped_of_schema_2,
    words,
)
from training.new_cases import main
from training.site.cases import read_site_cases
from training.site.hold_out import hold_out
from training.site.of_schema_2.bundle import PairLearnt

pytestmark = pytest.mark.timeout(900)  # seconds alone; minutes beside a training on the same cores


@pytest.fixture(scope="module")
def base() -> Path:
    """The newest bundle of schema 2 that we ship."""
    return shipped_of_schema_2()


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> SiteRun:
    """Train once for all tests that only look."""
    return SiteRun(tmp_path_factory.mktemp("site"), base, slices=24)


def test_a_whole_candidate_is_written_beside_the_untouched_base(trained: SiteRun) -> None:
    assert trained.status == 0
    assert trained.left_the_base_alone()
    bundle = read_bundle(trained.folder)
    check_golden(bundle)
    assert "old against new" in trained.report.read_text().lower()
    assert sum(path.stat().st_size for path in trained.folder.iterdir()) < 20_000_000
    assert not list(trained.build.glob("*"))


def test_the_networks_are_new_and_used_as_the_old_ones_were(trained: SiteRun, base: Path) -> None:
    old, new = read_bundle(base), read_bundle(trained.folder)
    for name in ("segmentation.onnx", "classification.onnx"):
        assert file_digest(base / name) != file_digest(trained.folder / name)
    assert (new.lesion, new.lung, new.classification, new.case, new.criteria) == (
        *(old.lesion, old.lung, old.classification, old.case, old.criteria),
    )
    assert new.licences[:-1] == old.licences
    assert new.licences[-1].data.startswith("cases of the site")


def test_a_running_site_goes_on_with_the_old_one_until_it_is_asked(
    trained: SiteRun, base: Path
) -> None:
    def newest() -> str:
        return read_catalogue(trained.bundles).newest(NAME).version

    assert newest() == base.name
    before = digests(trained.folder)
    moved = use_candidate(trained.bundles, NAME, trained.version)
    assert newest() == trained.version
    assert digests(moved) == before
    withdraw_bundle(trained.bundles, NAME, trained.version)
    assert newest() == base.name
    assert digests(trained.folder) == before


def test_held_out_slices_were_never_trained_on(trained: SiteRun) -> None:
    facts = json.loads((trained.folder / "evaluation.json").read_text())
    slices = read_site_cases(trained.cases).slices
    held = hold_out(slices)
    learnt = set(facts["trained_pictures"])
    assert {one.digest for one in slices if one.case not in held} == learnt
    assert facts["cases"] == {"trained": 12 - len(held), "held_out": len(held)}


def test_no_file_or_patient_is_named_in_the_bundle(trained: SiteRun) -> None:
    for name in ("evaluation.json", "MODEL_CARD.md", "bundle.toml"):
        text = (trained.folder / name).read_text()
        assert "Secret" not in text
        assert "slice0" not in text


def test_the_version_is_not_written_twice_unless_asked(
    trained: SiteRun, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = words(trained.cases, trained.bundles, trained.build, version=trained.version)
    before = digests(trained.folder)
    assert main(again) == 2
    assert "--replace" in capsys.readouterr().err
    assert digests(trained.folder) == before
    released = words(trained.cases, trained.bundles, trained.build, version=base.name)
    assert main([*released, "--replace"]) == 2
    assert "is the base itself" in capsys.readouterr().err


def test_an_interrupted_training_goes_on_and_says_what_came_of_it(
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cases, bundles = write_cases(tmp_path / "cases", 8), shelf(tmp_path / "bundles", base)
    asked = words(cases, bundles, tmp_path / "build", base=f"{NAME}@{base.name}")
    with monkeypatch.context() as patched:
        patched.setattr(PairLearnt, "write", interrupt)
        assert main(asked) == 130
    candidates = candidates_folder(bundles)
    assert not list(candidates.rglob("*.onnx"))
    caplog.set_level(logging.INFO)
    assert main(asked) == 0
    assert "segmentation: going on from step 2" in caplog.text
    entries = json.loads(capsys.readouterr().out)
    assert entries["base"] == f"{NAME}/{base.name}"
    assert entries["candidate"] == f"{NAME}/{next_minor(base.name)}"
    assert entries["learnt"] == "segmentation"
    assert entries["dice_n"] == entries["cases_held_out"] >= 2
    low, high = entries["dice_difference_ci95"]
    assert low <= entries["dice_difference"] <= high
    assert "auc_old" not in entries
    assert any("--data" in note for note in entries["notes"])
    candidate = candidates / NAME / next_minor(base.name)
    for name in ("classification.onnx", "classification-int8.onnx"):
        assert file_digest(candidate / name) == file_digest(base / name)


def test_a_folder_that_cannot_be_trained_on_is_refused(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundles = shelf(tmp_path / "bundles", base)
    cases = write_cases(tmp_path / "cases", 3)
    assert main(words(cases, bundles, tmp_path / "build")) == 2
    said = capsys.readouterr()
    assert "there are 3 cases" in said.err
    assert said.out == ""
    assert not candidates_folder(bundles).exists()
