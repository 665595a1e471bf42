"""`firstread evaluate` from the shell: what cannot be done is said, and help has an example."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.peers.programs import REPOSITORY

_REFUSED = {
    "absent.csv": ["classification", "--images", "absent", "--labels", "absent.csv"],
    "--images and --masks": ["segmentation", "--target", "lesion", "--images", "absent"],
    "absent.npz": ["segmentation", "--target", "lung", "--npz", "absent.npz"],
    "absent.json": ["studies", "--dicom", "absent", "--labels", "absent.json"],
}
_COMMANDS = ["classification", "segmentation", "studies"]
_RUNNER = """
import json, sys
from typer.testing import CliRunner
from firstread.__main__ import app

answers = [CliRunner().invoke(app, ["evaluate", *one]) for one in json.loads(sys.argv[1])]
sys.stdout.write(json.dumps([[one.exit_code, one.stdout, one.stderr] for one in answers]))
"""


@pytest.fixture(scope="module")
def said() -> dict[str, tuple[int, str, str]]:
    """Exit status, output and words of each refusal and each help, from one process."""
    arguments = _REFUSED | {command: [command, "--help"] for command in _COMMANDS}
    answer = subprocess.run(
        [sys.executable, "-c", _RUNNER, json.dumps(list(arguments.values()))],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=True,
    )
    return dict(zip(arguments, map(tuple, json.loads(answer.stdout)), strict=True))


@pytest.mark.parametrize("message", _REFUSED)
def test_what_cannot_be_done_is_said_and_ends_with_2(
    said: dict[str, tuple[int, str, str]], message: str
) -> None:
    """Nothing on standard output, one line on standard error, no trace."""
    status, output, words = said[message]
    assert (status, output) == (2, "")
    assert message in words
    assert words.count("\n") == 1


@pytest.mark.parametrize("command", _COMMANDS)
def test_help_has_an_example(said: dict[str, tuple[int, str, str]], command: str) -> None:
    status, output, _ = said[command]
    assert status == 0
    assert f"firstread evaluate {command}" in " ".join(output.split())
