"""docs/threat-model.md: each line of what stands in the way has its test, and the test exists."""

from __future__ import annotations

import ast
import re

import pytest

from tests.peers.programs import REPOSITORY

_PAGE = REPOSITORY / "docs" / "threat-model.md"
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def _lines() -> list[str]:
    """The rows of the table of what stands in the way."""
    below = _PAGE.read_text().split("## What stands in the way\n", 1)[1].split("\n## ", 1)[0]
    return [line for line in below.splitlines() if line.startswith("| ")][1:]


@pytest.mark.parametrize("line", _lines(), ids=lambda line: line.split("|")[1].strip()[:40])
def test_each_line_has_a_test_that_exists(line: str) -> None:
    """A test that is renamed or deleted is missed here."""
    named = _NAMED.findall(line.split("|")[3])
    assert named, line
    for file, function in named:
        path = REPOSITORY / file
        assert path.is_file(), file
        defined = {
            one.name for one in ast.parse(path.read_text()).body if isinstance(one, ast.FunctionDef)
        }
        assert function in defined, f"{file}::{function}"


def test_the_page_is_one_page_and_says_what_is_open() -> None:
    """A security officer reads it in one go."""
    page = _PAGE.read_text()
    assert len(_lines()) >= 30
    assert "\n## Open\n" in page
    assert len(page.splitlines()) < 100
