"""Find what a test needs from outside the repository: a skip at a desk, a failure in CI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

# Read here once: a fixture hides every FIRSTREAD_ variable from the tests, and Firstread itself
# refuses the ones that it does not know.
_STATED_DATA = os.environ.get("FIRSTREAD_TEST_DATA")
_STATED_CT = os.environ.get("FIRSTREAD_TEST_CT")


def absent(what: str) -> NoReturn:
    """End the test because something outside the repository is missing.

    A check that CI silently leaves out is not a check, so ``CI=true`` turns the skip into a
    failure.
    """
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} (needed in CI)", pytrace=False)
    pytest.skip(what)


def require_program(name: str, *, package: str, folders: tuple[str, ...] = ()) -> Path:
    """Give the path of a program, or end the test naming the Debian package that holds it.

    Parameters
    ----------
    name : the program's file name
    package : the Debian package, for the message
    folders : where to look beside PATH
    """
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin", *folders])
    found = shutil.which(name, path=search)
    if found is None:
        absent(f"{name} is not installed (Debian package {package})")
    return Path(found)


def require_folder(folder: Path, *, what: str) -> Path:
    """Give the folder, or end the test saying what would be in it."""
    if not folder.is_dir():
        absent(f"{what} is not at hand")
    return folder


def shared_data() -> Path:
    """Give the folder of public test data that lies beside the repository.

    ``FIRSTREAD_TEST_DATA`` names another one.
    """
    folder = Path(_STATED_DATA) if _STATED_DATA else REPOSITORY.parent / "shared" / "data"
    return require_folder(folder, what="the folder of public test data")


def shared_ct_folder() -> Path:
    """Give the folder of real CT studies; ``FIRSTREAD_TEST_CT`` names another one."""
    folder = Path(_STATED_CT) if _STATED_CT else shared_data() / "ct"
    return require_folder(folder, what="the folder of real CT studies")
