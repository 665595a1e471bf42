"""Find what a test needs from outside the repository: a skip at a desk, a failure in CI."""

from __future__ import annotations

import os
import shutil
import sys
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


def find_program(name: str, *, folders: tuple[str, ...] = ()) -> Path | None:
    """Give the path of a program; None where it is not installed.

    PATH is searched without our own virtual environment, which is on it once it is activated:
    pynetdicom puts scripts there that have the names of dcmtk's programs (storescp, findscu …).

    Parameters
    ----------
    name : the program's file name
    folders : where to look beside PATH, our own environment among them where it is named
    """
    search = [*_path_without_environment(), "/usr/sbin", "/usr/bin", *folders]
    found = shutil.which(name, path=os.pathsep.join(search))
    return None if found is None else Path(found)


def _path_without_environment() -> list[str]:
    entries = [one for one in os.environ.get("PATH", "").split(os.pathsep) if one]
    if sys.prefix == sys.base_prefix:  # no virtual environment: then it is the system itself
        return entries
    own = Path(sys.prefix).resolve()
    return [one for one in entries if not Path(one).resolve().is_relative_to(own)]


def require_program(name: str, *, package: str, folders: tuple[str, ...] = ()) -> Path:
    """Give the path of a program, or end the test naming the Debian package that holds it.

    Parameters
    ----------
    name, folders : as for `find_program`
    package : the Debian package, for the message
    """
    found = find_program(name, folders=folders)
    if found is None:
        absent(f"{name} is not installed (Debian package {package})")
    return found


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
