"""What is installed is what was tested, and what a message can do."""

from __future__ import annotations

import base64
import importlib
import inspect
import json
import pkgutil
import re
from pathlib import Path

import pytest

import worker.tasks
from tests.peers.programs import REPOSITORY
from worker.celery_app import app

LOCKS = ("requirements.lock", "requirements-dev.lock")


@pytest.mark.parametrize("name", LOCKS)
def test_every_python_package_is_pinned_by_digest(name: str) -> None:
    """One version each, and the sha256 of every file of it; pip is told to ask for them."""
    entries = re.split(r"^(?=\S)", (REPOSITORY / name).read_text(), flags=re.MULTILINE)[1:]
    assert len(entries) > 80
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==\S+", entry), entry[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry[:80]
    for path in (REPOSITORY / "Makefile", REPOSITORY / "Dockerfile"):
        for line in path.read_text().splitlines():
            if "pip install" in line and "requirements" in line and "training" not in line:
                assert "--require-hashes" in line, line


def test_what_installs_asks_for_digests() -> None:
    """The installer itself is pinned by them, and it and pip are told to ask for them."""
    entry = (REPOSITORY / ".ci" / "installer.lock").read_text()
    assert re.match(r"uv==\S+ \\\n    --hash=sha256:[0-9a-f]{64}", entry)
    lines = (REPOSITORY / ".ci" / "install").read_text().splitlines()
    installing = [line for line in lines if " -r " in line]
    assert len(installing) == 3
    for line in installing:
        assert "--require-hashes" in line, line


def _locks() -> list[Path]:
    found = (REPOSITORY / "worklist", REPOSITORY / "tests" / "peers")
    return [path for folder in found for path in folder.rglob("package-lock.json")]


@pytest.mark.parametrize("path", _locks(), ids=lambda path: path.parent.name)
def test_every_npm_package_is_pinned_by_digest(path: Path) -> None:
    """npm ci refuses what has another one; no script of a package is run."""
    packages = json.loads(path.read_text())["packages"]
    named = {name: one for name, one in packages.items() if name}
    assert named
    for name, one in named.items():
        algorithm, _, digest = one["integrity"].partition("-")
        assert algorithm == "sha512", name
        assert len(base64.b64decode(digest)) == 64, name
    assert "--ignore-scripts" in (REPOSITORY / ".ci" / "npm-lock").read_text()


def test_a_message_can_only_wake_up() -> None:
    """Nothing but JSON is unpacked, and no task is told of a study: the database says which."""
    for module in pkgutil.iter_modules(worker.tasks.__path__):
        importlib.import_module(f"worker.tasks.{module.name}")
    ours = {name: task for name, task in app.tasks.items() if name.startswith("worker.")}
    assert {"worker.tasks.analyse_next", "worker.tasks.deliver_next"} <= set(ours)
    assert app.conf.accept_content == ["json"]
    for name, task in ours.items():
        for parameter in inspect.signature(task.run).parameters.values():
            assert parameter.annotation in ("str", "int", str, int), name
            assert not re.search("study|uid|patient|path", parameter.name), name
