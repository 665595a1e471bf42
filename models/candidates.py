"""Candidates: bundles that a site has trained and checked, unused until a person approves them.

They lie in `.candidates/<name>/<version>` inside the folder of bundles. The catalogue passes over
names with a leading dot, so a worker goes on with the bundle that it had; and
the folder is itself laid out as one of bundles, so that whatever takes such a folder takes this.
"""

from __future__ import annotations

import re
from pathlib import Path

from models.catalogue import Catalogue, check_folder, read_catalogue
from models.signatures.check_signature import Trust, check_signature
from models.signatures.signature_file import signature_path
from radiology.errors import BundleRejected, SettingsRefused
from settings.bundle_signatures import BundleSignatures

_FOLDER = ".candidates"
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*", re.ASCII)


def candidates_folder(bundles: Path) -> Path:
    """Where the candidates of a folder of bundles lie."""
    return bundles / _FOLDER


def name_and_version(wanted: str) -> tuple[str, str]:
    """Take "NAME", "NAME/VERSION" or "NAME@VERSION" apart; the version may be empty.

    Raises
    ------
    SettingsRefused
        It could name a folder elsewhere.
    """
    name, _, version = wanted.replace("@", "/", 1).partition("/")
    if not _PART.fullmatch(name) or (version and not _PART.fullmatch(version)):
        raise SettingsRefused(f"{wanted!r} is neither NAME nor NAME/VERSION")
    return name, version


def check_version(version: str) -> str:
    """The version, when it is three whole numbers; others have no place in the order.

    Raises
    ------
    SettingsRefused
        It is something else.
    """
    if not _VERSION.fullmatch(version):
        raise SettingsRefused(f"A version is three whole numbers, such as 2.1.0, not {version!r}")
    return version


def next_version(bundles: Path, name: str, base: str) -> str:
    """The next minor version after all versions of the base's major that are in use or wait."""
    major, minor = (int(part) for part in check_version(base).split(".")[:2])
    taken = [minor]
    for folder in (bundles, candidates_folder(bundles)):
        found = (_VERSION.fullmatch(path.name) for path in (folder / name).glob("*"))
        taken += [int(one[2]) for one in found if one is not None and int(one[1]) == major]
    return f"{major}.{max(taken) + 1}.0"


def read_candidates(bundles: Path, wanted: BundleSignatures | None = None) -> Catalogue:
    """The candidates, checked as `models.catalogue` checks bundles."""
    return read_catalogue(candidates_folder(bundles), wanted)


def use_candidate(
    bundles: Path, name: str, version: str, wanted: BundleSignatures | None = None
) -> Path:
    """Move a candidate among the bundles; a worker takes it for the next study if it is the newest.

    Parameters
    ----------
    wanted : the site's settings of signatures, as `read_catalogue` takes them

    Returns
    -------
    Its folder there. Its files and its signature are the same, byte for byte.

    Raises
    ------
    BundleRejected
        It is damaged, or lacks a signature that is required; or it is no candidate.
    SettingsRefused
        The version is there already, or the folder cannot be written.
    """
    source = candidates_folder(bundles) / name / version
    if not source.is_dir():
        raise BundleRejected(f"{name}/{version} is no candidate; `firstread models list` shows all")
    check_folder(source)
    check_signature(source, Trust.by(wanted or BundleSignatures()))
    return _move(source, bundles / name / version)


def withdraw_bundle(bundles: Path, name: str, version: str) -> Path:
    """Move a bundle among the candidates, damaged or not; the last that is left may not go.

    Returns
    -------
    Its folder there.

    Raises
    ------
    BundleRejected
        There is no such bundle, or no other could take its place.
    SettingsRefused
        The version is a candidate already, or the folder cannot be written.
    """
    source = bundles / name / version
    if not source.is_dir():
        raise BundleRejected(f"There is no bundle {name}/{version} to withdraw")
    catalogue = read_catalogue(bundles)
    others = set(catalogue.usable) - {(name, version)}
    if not any(other == name for other, _ in others):
        raise BundleRejected(f"{name}/{version} is the only usable bundle of its name")
    return _move(source, candidates_folder(bundles) / name / version)


def _move(source: Path, target: Path) -> Path:
    if target.exists():
        raise SettingsRefused(f"{target} is there already; a released version is never replaced")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # First: a bundle without its signature might be refused; a signature alone is nothing.
        if signature_path(source).exists():
            signature_path(source).rename(signature_path(target))
        source.rename(target)  # one step: seen whole or not at all
    except OSError as error:
        raise SettingsRefused(f"{source} cannot be moved: {error.strerror}") from error
    return target
