"""What the doctor says: its sentences, the titles of its checks, and words that stand in them."""

from __future__ import annotations

import ast
from pathlib import Path

import firstread.doctor

_ROOM = Path(firstread.doctor.__file__).parent


def sentences_of_the_doctor() -> set[str]:
    """Every literal that `say` is called with."""
    found: set[str] = set()
    for path in sorted(_ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "say":
                (said,) = node.args
                assert isinstance(said, ast.Constant), f"{path.name}:{node.lineno} is no literal"
                found.add(str(said.value))
    return found


def titles_of_checks() -> set[str]:
    """Every literal that a check has as its title."""
    found: set[str] = set()
    for path in sorted(_ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "DoctorCheck":
                title = node.args[1]
                assert isinstance(title, ast.Constant)
                found.add(str(title.value))
    return found
