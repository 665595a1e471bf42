"""`firstread models`: candidates wait, and what is in use is said and checked."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from firstread.__main__ import app
from firstread.models import train_model
from firstread.models.train_model import Training, training_command
from models.candidates import (
    candidates_folder,
    name_and_version,
    next_version,
    use_candidate,
    withdraw_bundle,
)
from models.catalogue import read_catalogue
from radiology.errors import BundleRejected, SettingsRefused
from settings.environment import Settings
from tests.builders.bundles import NAME, write_bundle


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    """A bundle 2.0.0 and a candidate 2.1.0."""
    folder = tmp_path / "bundles"
    write_bundle(folder, version="2.0.0")
    write_bundle(candidates_folder(folder), version="2.1.0")
    return folder


def _run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["models", *map(str, words)], env={"COLUMNS": "200"})
    return result.exit_code, result.output


def test_a_candidate_is_seen_but_not_used(bundles: Path) -> None:
    assert read_catalogue(bundles).newest(NAME).version == "2.0.0"
    assert not read_catalogue(bundles).refused
    code, said = _run("list", "--bundles", bundles)
    assert code == 0
    states = {line.split("│")[1].strip(): line.split("│")[3].strip()
              for line in said.splitlines() if line.startswith("│")}  # fmt: skip
    assert states == {f"{NAME}/2.0.0": "in use", f"{NAME}/2.1.0": "candidate"}


def test_a_candidate_is_used_when_asked_and_withdrawn_again(bundles: Path) -> None:
    code, said = _run("use", f"{NAME}@2.1.0", "--bundles", bundles)
    assert code == 0
    assert f"{NAME}/2.1.0" in said
    assert read_catalogue(bundles).newest(NAME).version == "2.1.0"
    code, said = _run("withdraw", f"{NAME}/2.1.0", "--bundles", bundles)
    assert code == 0
    assert f"{NAME}/2.0.0" in said
    assert (candidates_folder(bundles) / NAME / "2.1.0").is_dir()


def test_every_bundle_is_checked_and_damage_is_named(bundles: Path) -> None:
    code, said = _run("check", "--bundles", bundles)
    assert code == 0
    assert said.count("✓") == 2
    (bundles / NAME / "2.0.0" / "segmentation.onnx").write_bytes(b"damaged")
    code, said = _run("check", "--bundles", bundles)
    assert code == 1
    assert said.count("✓") == 1
    assert f"✗ {NAME}/2.0.0: refused: bundle.toml line" in said
    assert "is not the one that was released" in " ".join(said.split())
    assert _run("check", f"{NAME}/2.1.0", "--bundles", bundles)[0] == 0
    assert _run("check", f"{NAME}/9.9.9", "--bundles", bundles)[0] == 2


def test_a_damaged_candidate_is_not_taken_into_use(bundles: Path) -> None:
    candidate = candidates_folder(bundles) / NAME / "2.1.0"
    (candidate / "segmentation.onnx").write_bytes(b"damaged")
    with pytest.raises(BundleRejected, match="sha256"):
        use_candidate(bundles, NAME, "2.1.0")
    assert candidate.is_dir()


def test_a_released_version_is_never_replaced(bundles: Path) -> None:
    write_bundle(candidates_folder(bundles), version="2.0.0")
    with pytest.raises(SettingsRefused, match="never replaced"):
        use_candidate(bundles, NAME, "2.0.0")


def test_the_last_usable_bundle_stays(bundles: Path) -> None:
    with pytest.raises(BundleRejected, match="only usable"):
        withdraw_bundle(bundles, NAME, "2.0.0")
    with pytest.raises(BundleRejected, match="no bundle"):
        withdraw_bundle(bundles, NAME, "3.0.0")
    with pytest.raises(BundleRejected, match="no candidate"):
        use_candidate(bundles, NAME, "3.0.0")


@pytest.mark.parametrize("wanted", ["../elsewhere", "name/..", "name/1/2", "", "/etc", ".hidden/1"])
def test_a_name_cannot_lead_elsewhere(wanted: str) -> None:
    with pytest.raises(SettingsRefused):
        name_and_version(wanted)


def test_the_next_version_is_after_all_that_are_there_or_wait(bundles: Path) -> None:
    assert next_version(bundles, NAME, "2.0.0") == "2.2.0"
    assert next_version(bundles, NAME, "3.4.1") == "3.5.0"
    assert next_version(bundles, "another", "2.0.0") == "2.1.0"


def _asked(**changes: object) -> Training:
    values = dict.fromkeys(Training.__dataclass_fields__) | {
        "new_cases": Path("-cases"), "steps": 7, "threads": 2, "replace": False
    } | changes  # fmt: skip
    return Training(**values)  # type: ignore[arg-type]


def test_the_training_is_a_process_of_its_own(tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path, bundles_folder=tmp_path / "bundles")
    words = training_command(_asked(version="2.5.0", replace=True), settings)
    assert words[:3] == [sys.executable, "-m", "training.new_cases"]
    assert "--new-cases=-cases" in words
    assert f"--base={NAME}" in words
    assert "--version=2.5.0" in words
    assert f"--build={tmp_path / 'training'}" in words
    assert words[-1] == "--replace"
    assert not any(word.startswith(("--data", "--report")) for word in words)


def test_the_training_takes_every_option_that_it_is_handed(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from training.new_cases import arguments

    asked = _asked(version="2.5.0", replace=True, data=tmp_path, report=tmp_path, build=tmp_path)
    options = arguments().parse_args(training_command(asked, Settings())[3:])
    assert options.new_cases == Path("-cases")
    assert (options.steps, options.replace, options.version) == (7, True, "2.5.0")


def test_without_pytorch_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        train_model, "find_spec", lambda name: None if name == "torch" else object()
    )
    code, said = _run("train", "--new-cases", tmp_path)
    assert code == 2
    assert "make setup-training" in said
    assert "PyTorch" in said
