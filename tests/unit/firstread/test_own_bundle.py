"""`firstread models init, seal, try, check`: an ONNX file becomes a bundle that reads a study."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image
from typer.testing import CliRunner

from firstread.__main__ import app
from models.candidates import candidates_folder
from models.catalogue import read_catalogue
from models.release.seal import write_files_table
from phantom.grid import phantom_grid
from phantom.study import write_phantom_study
from phantom.synthesis import make_phantom
from tests.builders.declared import patch_segmenter, slice_scorer
from tests.builders.declared.patch_segmenter import write_patch_segmenter
from tests.builders.declared.write import model
from worker.encode.picture.key_picture import WIDTH_PX

NAME = "own-bundle"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chest phantom of 16 small slices, as DICOM."""
    folder = tmp_path_factory.mktemp("study")
    grid = phantom_grid(shape=(16, 48, 48), spacing_mm=(12.0, 8.0, 8.0))
    write_phantom_study(make_phantom(seed=1, grid=grid, twigs=20), folder)
    return folder


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "dense.onnx"
    onnx.save(patch_segmenter.network(), path)
    return path


def _run(*words: object, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(
        app, ["models", *map(str, words)], env={"COLUMNS": "200", **(env or {})}
    )
    return result.exit_code, result.output


def _made(tmp_path: Path, network: Path) -> tuple[Path, Path]:
    """Folder of bundles, and folder of the new candidate."""
    bundles = tmp_path / "bundles"
    code, said = _run("init", NAME, "--onnx", network, "--bundles", bundles)
    assert code == 0, said
    assert f"firstread models use {NAME}/0.1.0" in said
    return bundles, candidates_folder(bundles) / NAME / "0.1.0"


@pytest.mark.parametrize("made", [patch_segmenter.network(), slice_scorer.network()])
def test_skeleton_is_whole_and_says_what_was_guessed(tmp_path: Path, made: onnx.ModelProto) -> None:
    """Inputs and outputs are those of the graph, and the catalogue takes it as it is."""
    onnx.save(made, tmp_path / "net.onnx")
    _, folder = _made(tmp_path, tmp_path / "net.onnx")
    text = (folder / "bundle.toml").read_text()
    for tensor in [*made.graph.input, *made.graph.output]:
        assert f'tensor = "{tensor.name}"' in text
    assert text.count("CHECK") > 10
    assert list(read_catalogue(folder.parents[1]).declared) == [(NAME, "0.1.0")]
    assert set(json.loads((folder / "golden.json").read_text())["expected"]) == {"main"}


def test_bundle_is_checked_tried_and_taken_into_use(
    tmp_path: Path, network: Path, study: Path
) -> None:
    bundles, folder = _made(tmp_path, network)
    assert _run("check", f"{NAME}/0.1.0", "--bundles", bundles)[0] == 0
    picture = tmp_path / "picture.png"
    code, said = _run("try", folder, study, "--picture", picture, "--bundles", bundles)
    assert code == 0, said
    for words in ("Series of 16 slices: accepted", "Volume", "least slices", "Urgency: "):
        assert words in said
    pixels = np.asarray(Image.open(picture).convert("RGB"))
    assert pixels.shape[1] == WIDTH_PX
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100
    assert _run("use", f"{NAME}/0.1.0", "--bundles", bundles)[0] == 0
    code, said = _run("list", "--bundles", bundles)
    assert "not in use" in said


def test_change_is_refused_until_it_is_sealed(tmp_path: Path, network: Path) -> None:
    bundles, folder = _made(tmp_path, network)
    (folder / "MODEL_CARD.md").write_text("# Better\n")
    code, said = _run("check", f"{NAME}/0.1.0", "--bundles", bundles)
    assert code == 1
    assert "firstread models seal" in said
    _without_guesses(folder)
    assert _run("seal", f"{NAME}/0.1.0", "--bundles", bundles)[0] == 0
    assert _run("check", f"{NAME}/0.1.0", "--bundles", bundles)[0] == 0


def test_seal_refuses_a_line_that_was_guessed(tmp_path: Path, network: Path) -> None:
    """It names the first with its number, then the others; nothing is written."""
    bundles, folder = _made(tmp_path, network)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    lines = (folder / "bundle.toml").read_text().splitlines()
    first = lines.index('intended_use = "Research use only. CHECK: what it is for, and what not."')
    code, said = _run("seal", f"{NAME}/0.1.0", "--bundles", bundles)
    assert code == 2
    assert f"bundle.toml line {first + 1} still says CHECK" in said
    assert "take the word CHECK out. So do lines" in said
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_try_says_which_rule_decides(tmp_path: Path, network: Path, study: Path) -> None:
    """Of those that hold the first one decides; those below it are only true also."""
    _, folder = _made(tmp_path, network)
    path = folder / "bundle.toml"
    text = path.read_text()
    path.write_text(text.replace("limit = 1.0 # CHECK", "limit = 0.0"))
    code, said = _run("try", folder, study, "--picture", tmp_path / "one.png")
    assert code == 0, said
    assert _verdicts(said)["finding suspected"] == "decides"
    assert _verdicts(said)["nothing is suspected"] == "also true"
    path.write_text(text.replace("limit = 1.0 # CHECK", "limit = 1000000.0"))
    code, said = _run("try", folder, study, "--picture", tmp_path / "two.png")
    assert code == 0, said
    assert _verdicts(said) == {
        "finding suspected": "not true",
        "finding urgent": "not asked",
        "a finding is suspected": "not true",
        "nothing is suspected": "decides",
    }


def _verdicts(said: str) -> dict[str, str]:
    """The verdict on each rule, from the last table that is printed."""
    rows = said[said.index("Verdict") :].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("│").split("│")] for row in rows if "│" in row]
    return {row[0]: row[-1] for row in cells}


def _without_guesses(folder: Path) -> None:
    """As a person does after looking."""
    path = folder / "bundle.toml"
    path.write_text(path.read_text().replace("CHECK", "looked at"))


def test_mistake_is_explained_with_its_line(tmp_path: Path, network: Path) -> None:
    bundles, folder = _made(tmp_path, network)
    path = folder / "bundle.toml"
    text = path.read_text().replace("overlap = 0.5", "overlop = 0.5")
    path.write_text(text)
    line = text.splitlines().index("overlop = 0.5 # of neighbouring patches") + 1
    code, said = _run("check", f"{NAME}/0.1.0", "--bundles", bundles)
    assert code == 1
    assert f'bundle.toml line {line}, inputs.main.overlop: "overlop" is not a key here' in said
    assert 'Did you mean "overlap"?' in said


def test_network_that_answers_no_numbers_is_not_sealed(tmp_path: Path) -> None:
    """0 / 0 in every voxel: right shapes, and nothing that could be measured."""
    size: list[int | str] = ["n", 1, 8, 16, 16]
    nodes = [
        onnx.helper.make_node("Sub", ["patch", "patch"], ["zero"]),
        onnx.helper.make_node("Div", ["zero", "zero"], ["mask"]),
    ]

    onnx.save(model(nodes, {"patch": size}, {"mask": size}, []), tmp_path / "nan.onnx")
    code, said = _run("init", NAME, "--onnx", tmp_path / "nan.onnx", "--bundles", tmp_path / "b")
    assert code == 2
    assert 'nan.onnx, output "mask": its answers are not all numbers' in said
    assert not (candidates_folder(tmp_path / "b") / NAME / "0.1.0").exists()


def test_other_answers_than_the_released_ones_are_refused(tmp_path: Path, network: Path) -> None:
    bundles, folder = _made(tmp_path, network)
    golden = folder / "golden.json"
    golden.write_text(golden.read_text().replace('"mean": ', '"mean": 9'))

    write_files_table(folder)
    code, said = _run("check", f"{NAME}/0.1.0", "--bundles", bundles)
    assert code == 1
    assert "its answers are not those of golden.json" in said


def test_study_that_the_bundle_does_not_want_is_refused_with_the_reason(
    tmp_path: Path, study: Path
) -> None:
    folder = write_patch_segmenter(tmp_path)
    code, said = _run("try", folder, study)
    assert code == 2
    assert "BodyPartExamined does not satisfy: contains any HEAD, BRAIN" in said


def test_limit_of_the_site_for_no_rule_is_refused(tmp_path: Path, network: Path) -> None:
    bundles, _ = _made(tmp_path, network)
    limits = json.dumps({NAME: {"finding urgend": 3.0}})
    env = {"FIRSTREAD_BUNDLE_LIMITS": limits}
    code, said = _run("check", f"{NAME}/0.1.0", "--bundles", bundles, env=env)
    assert code == 1
    assert 'Did you mean "finding urgent"?' in said


@pytest.mark.parametrize("command", ["init", "seal", "try", "check"])
def test_help_has_an_example(command: str) -> None:
    code, said = _run(command, "--help")
    assert code == 0
    assert f"firstread models {command}" in said
