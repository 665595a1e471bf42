"""What the tests of `firstread models train` share: a shelf with a base, and the command line."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.candidates import candidates_folder
from models.catalogue import read_catalogue
from models.declared.released import file_digest
from settings.environment import Settings
from tests.builders.stored.site_folder import write_cases
from training.chest.release.declaration import NAME
from training.new_cases import main

__all__ = [
    "NAME",
    "SiteRun",
    "digests",
    "interrupt",
    "next_minor",
    "shelf",
    "shipped_of_schema_2",
    "words",
]


def shipped_of_schema_2() -> Path:
    """The folder of the newest bundle of schema 2 that we ship."""
    shipped = read_catalogue(Settings().bundles_folder).bundles
    return shipped[max(key for key in shipped if key[0] == NAME)].folder


def digests(folder: Path) -> Mapping[str, str]:
    """sha256 of every file under a folder, by its path there."""
    return {
        path.relative_to(folder).as_posix(): file_digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def shelf(folder: Path, *bases: Path) -> Path:
    """A folder of bundles with copies of these."""
    for base in bases:
        shutil.copytree(base, folder / NAME / base.name)
    return folder


def words(cases: Path, bundles: Path, build: Path, **more: object) -> list[str]:
    """The command line of a very short training."""
    options = {
        "new-cases": cases,
        "bundles": bundles,
        "build": build,
        "steps": 2,
        "threads": 1,
        **more,
    }
    return [f"--{name}={value}" for name, value in options.items()]


def next_minor(version: str) -> str:
    """What a candidate is called where nobody says otherwise."""
    major, minor, _ = version.split(".")
    return f"{major}.{int(minor) + 1}.0"


def interrupt(*_: object) -> Any:
    """In place of a step: somebody presses Ctrl-C."""
    raise KeyboardInterrupt


class SiteRun:
    """One training with masks and labels, and what lay there before it.

    Attributes
    ----------
    before : digests of the bundles
    folder : of the candidate
    """

    def __init__(self, folder: Path, base: Path, *others: Path, slices: int) -> None:
        self.cases = write_cases(folder / "cases", slices, labels=True, each=2)
        self.bundles, self.build = shelf(folder / "bundles", base, *others), folder / "build"
        self.before = digests(self.bundles)
        self.report = folder / "report.html"
        self.status = main(words(self.cases, self.bundles, self.build, report=self.report))
        self.version = next_minor(base.name)
        self.folder = candidates_folder(self.bundles) / NAME / self.version

    def left_the_base_alone(self) -> bool:
        """Whether every file that was there is as it was."""
        after = digests(self.bundles)
        return {name: after.get(name) for name in self.before} == self.before
