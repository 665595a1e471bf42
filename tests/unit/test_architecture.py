"""docs/architecture.md is the house as built: it names every folder, every room and every rule."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

from tests.peers.programs import REPOSITORY

_PAGE = (REPOSITORY / "docs" / "architecture.md").read_text()
_LINTER = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]
_FOLDERS = tuple(_LINTER["root_packages"])
# Folders whose rooms the page names one by one.
_OPENED = ("worklist", "worker", "chest", "models", "dicom_node", "database", "radiology")


def test_every_folder_is_named() -> None:
    """Each package of ours has its place in the table of rooms."""
    assert [name for name in _FOLDERS if f"`{name}/`" not in _PAGE] == []


@pytest.mark.parametrize("folder", _OPENED)
def test_every_room_is_named(folder: str) -> None:
    """Each package within these folders has its place in the table too."""
    rooms = [path.parent.name for path in (REPOSITORY / folder).glob("*/__init__.py")]
    assert [room for room in rooms if f"`{room}/`" not in _PAGE] == []


def test_the_layers_are_those_that_are_checked() -> None:
    """Who may import whom is said as the contract has it."""
    contract = next(one for one in _LINTER["contracts"] if one["id"] == "downwards")
    said = re.search(r"## Who may import whom\n\n((?:    .*\n)+)", _PAGE)
    assert said
    lines = [set(line.split(" | ")) for line in said[1].replace("    ", "").splitlines()]
    assert lines == [set(layer.split(" | ")) for layer in contract["layers"]]


def test_every_module_that_is_named_exists() -> None:
    """A path on the page leads to a file or a folder."""
    named = re.findall(r"`([a-z_]+/[a-z_/]+(?:\.py|/))`", _PAGE)
    assert named
    assert [one for one in named if not (REPOSITORY / one).exists()] == []


def test_services_are_asked_over_http_in_one_way() -> None:
    """What makes requests is http_client; the demo asks only what it has started itself."""
    found = []
    for folder in _FOLDERS:
        for path in (REPOSITORY / folder).rglob("*.py"):
            place = str(path.relative_to(REPOSITORY))
            if not place.startswith(("http_client/", "firstread/demo/")):
                found += [f"{place}: {name}" for name in sorted(_imported_or_called(path) & _ASKS)]
    assert found == []


_ASKS = {"requests", "http.client", "urllib.request", "urllib3", "aiohttp"} | {
    f"httpx.{name}"
    for name in (
        *("get", "post", "put", "patch", "delete", "head", "options", "request", "stream"),
        *("Client", "AsyncClient", "HTTPTransport", "AsyncHTTPTransport"),
    )
}


def _imported_or_called(path: Path) -> set[str]:
    """Modules that a module imports or imports from, and `httpx.get` of what it calls."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {str(node.module), *(f"{node.module}.{one.name}" for one in node.names)}
        elif isinstance(node, ast.Call):
            names.add(ast.unparse(node.func))
    return names


def test_two_classes_do_not_share_a_name() -> None:
    """Whoever reads the name of a class knows which one is meant."""
    places = defaultdict(set)
    for folder in _FOLDERS:
        for path in (REPOSITORY / folder).rglob("*.py"):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].add(str(path.relative_to(REPOSITORY)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
