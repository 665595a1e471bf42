"""Python packages: those that are installed here, and those that a lock file names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path
from typing import Final

from cyclonedx.model.component import Component

from firstread.sbom.described import normalised, own_property, package
from radiology.errors import SettingsRefused

OURS: Final = "firstread"
_LOCKED: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CLASSIFIER: Final = re.compile(r"License :: (?:OSI Approved :: )?(.+)")


def installed_packages() -> tuple[Component, ...]:
    """Everything in the environment that runs this, also what Firstread itself does not ask for."""
    found = {normalised(one.name): one for one in distributions() if one.name}
    return tuple(_component(found[name]) for name in sorted(found) if name != OURS)


def needed_by_each() -> dict[str, tuple[str, ...]]:
    """Which of the installed packages each of them asks for, by normalised name."""
    found = {normalised(one.name): one for one in distributions() if one.name}
    return {
        name: tuple(sorted(_asked(one.requires or ()) & set(found))) for name, one in found.items()
    }


def locked_packages(lock: Path) -> tuple[Component, ...]:
    """Every package of a lock file, for whatever platform; licences of those installed here.

    Raises
    ------
    SettingsRefused
        It is no lock file.
    """
    try:
        pinned = _LOCKED.findall(lock.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsRefused(f"The lock file {lock} cannot be read") from error
    if not pinned:
        raise SettingsRefused(f"The lock file {lock} pins no package")
    return tuple(_locked(name, version) for name, version in sorted(pinned))


def _locked(name: str, version: str) -> Component:
    try:
        here = distribution(name)
    except PackageNotFoundError:
        here = None
    basis = [own_property("named-by", "requirements.lock")]
    licence = declared_licence(here) if here is not None else ""
    return package("pypi", normalised(name), version, licence=licence, properties=basis)


def _component(one: Distribution) -> Component:
    return package("pypi", normalised(one.name), one.version, licence=declared_licence(one))


def declared_licence(one: Distribution) -> str:
    """What a package says of its licence; "" where it says nothing.

    PEP 639 first; the older field may hold the whole text, and then the classifiers are shorter.
    """
    if expression := _said(one, "License-Expression"):
        return expression
    classified = (_CLASSIFIER.fullmatch(line) for line in one.metadata.get_all("Classifier") or ())
    names = sorted({found[1] for found in classified if found is not None} - {"OSI Approved"})
    field = _said(one, "License")
    if field and "\n" not in field:
        return field
    return ", ".join(names) or field.partition("\n")[0]


def _said(one: Distribution, field: str) -> str:
    return one.metadata[field].strip() if field in one.metadata else ""


def _asked(requirements: Iterable[str]) -> set[str]:
    """Names alone: what is installed tells which of the conditions hold."""
    names = (_NAME.match(one) for one in requirements)
    return {normalised(found[0]) for found in names if found is not None}
