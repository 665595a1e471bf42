"""The library of the viewer is what is declared: built again it is the same, with its licences.

It is committed as one module, so that nobody who installs Firstread has to build it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.peers.programs import REPOSITORY, absent

_SOURCE = REPOSITORY / "worklist" / "viewer" / "library"
_MADE = REPOSITORY / "worklist" / "viewer" / "static"
_INSTALLED = REPOSITORY / "build" / "viewer-library"
_MOST_BYTES = 2_000_000


def test_it_is_made_of_what_is_declared() -> None:
    """Its first line has the digest of lock file, entry and build: one changed alone is seen."""
    digest = hashlib.sha256()
    for name in ("package-lock.json", "entry.js", "build.mjs"):
        digest.update((_SOURCE / name).read_bytes())
    first_line = (_MADE / "cornerstone.js").read_text(encoding="utf-8").partition("\n")[0]
    assert f"sha256:{digest.hexdigest()}" in first_line, "make viewer-library"


def test_built_again_it_is_the_same(tmp_path: Path) -> None:
    """Every byte of the module and its licences comes from the lock file."""
    lock = _INSTALLED / "installed"
    if not lock.is_file() or lock.read_bytes() != (_SOURCE / "package-lock.json").read_bytes():
        absent("the library's packages are not installed (make viewer-library; it needs npm)")
    node = shutil.which("node")
    assert node is not None
    subprocess.run([node, _SOURCE / "build.mjs", _INSTALLED, tmp_path], check=True)
    for name in ("cornerstone.js", "cornerstone.LICENSES.txt"):
        assert (tmp_path / name).read_bytes() == (_MADE / name).read_bytes(), name


def test_it_is_small_and_evaluates_no_text() -> None:
    """What the page's Content-Security-Policy would stop is not in it."""
    module = (_MADE / "cornerstone.js").read_text(encoding="utf-8")
    assert len(module.encode()) < _MOST_BYTES
    for forbidden in (r"\beval\(", r"new Function\b", r"new Worker\(", r"WebAssembly\."):
        assert not re.search(forbidden, module), forbidden


def test_every_package_has_version_and_licence() -> None:
    """The versions are those of the lock file, and each package's licence is given in full."""
    locked = json.loads((_SOURCE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    text = (_MADE / "cornerstone.LICENSES.txt").read_text(encoding="utf-8")
    packages = [one.strip().split("\n") for one in text.split("\n" + "-" * 80 + "\n")]
    assert len(packages) > 5
    for name_and_version, licence, *words in packages:
        name, _, version = name_and_version.rpartition(" ")
        assert locked[f"node_modules/{name}"]["version"] == version
        assert licence
        assert re.search(r"copyright|public license", " ".join(words), re.IGNORECASE), name


@pytest.mark.parametrize("name", ["package.json", "package-lock.json"])
def test_no_registry_is_named(name: str) -> None:
    """Whoever builds it takes the packages from the registry that their npm is set to."""
    assert '"resolved"' not in (_SOURCE / name).read_text(encoding="utf-8")
