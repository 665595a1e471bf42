"""The release data that every bundle declares: name, files by sha256, licences, maker."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.declared.section import DECLARATION, DeclarationTable, nearest, rejected
from radiology.algorithm import AlgorithmIdentity
from radiology.errors import BundleRejected

GOLDEN: Final = "golden.json"
"""The file of a bundle that says what its networks answer to an input made by a recipe."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_LINE: Final = re.compile(r"at line (\d+)")


@dataclass(frozen=True)
class Licence:
    """A set that the bundle was trained on, and on what terms."""

    data: str
    licence: str


def bundle_digest(digests: Mapping[str, str]) -> str:
    """sha256 over the sorted (name, sha256) pairs of a bundle's files, the declaration included."""
    total = hashlib.sha256()
    for name in sorted(digests):
        total.update(f"{name}\0{digests[name]}\n".encode())
    return total.hexdigest()


def file_digest(path: Path) -> str:
    """sha256 of a file, as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_text(folder: Path) -> tuple[DeclarationTable, str]:
    """The declaration, and the sha256 of its bytes."""
    try:
        raw = (folder / DECLARATION).read_bytes()
    except OSError as error:
        raise BundleRejected(
            f"{DECLARATION}: it is missing or cannot be read. `firstread models init` writes one."
        ) from error
    try:
        return DeclarationTable.of(raw.decode()), hashlib.sha256(raw).hexdigest()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise rejected(line, "", "the bytes are not UTF-8", "Save the file as UTF-8.") from error
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        found = _LINE.search(str(error))
        line = int(found[1]) if found else 1
        raise rejected(line, "", f"this is not TOML: {error}", "See https://toml.io.") from error


def read_name(whole: DeclarationTable, folder: Path) -> tuple[str, str]:
    """Name and version, which are those of the folders too."""
    named = {key: whole.text(key) for key in ("name", "version")}
    for (key, value), path in zip(named.items(), (folder.parent, folder), strict=True):
        if not _NAME.fullmatch(value):
            raise whole.problem(key, f'"{value}" is no {key}', "Use letters, digits and -._+ only.")
        if value != path.name:
            raise whole.problem(
                key,
                f'"{value}" lies in a folder "{path.name}"',
                "The folders are <name>/<version>: rename one of the two.",
            )
    return named["name"], named["version"]


def checked_files(section: DeclarationTable, folder: Path) -> dict[str, str]:
    """Digests of the files that are there; each must be the one that is listed."""
    present = {path.name for path in folder.iterdir()} - {DECLARATION}
    seal = "`firstread models seal` lists the files as they are."
    listed: dict[str, str] = {}
    for name in section.names():
        expected = section.text(name)
        if not _SHA256.fullmatch(expected):
            raise section.problem(name, "this is no sha256", f"It has 64 digits of 0-9a-f; {seal}")
        if name not in present or not (folder / name).is_file():
            cure = f"{nearest(name, present)}Put the file there, or leave the line out."
            raise section.problem(name, f'the file "{name}" is missing', cure)
        if _digest(folder / name) != expected:
            raise section.problem(
                name, f'the file "{name}" is not the one that was released', f"(sha256) {seal}"
            )
        listed[name] = expected
    for name in sorted(present - set(listed)):
        raise section.problem(None, f'the file "{name}" is not listed', seal)
    return listed


def _digest(path: Path) -> str:
    """The sha256 of a file; "" where it cannot be read."""
    try:
        return file_digest(path)
    except OSError:
        return ""


def read_licences(whole: DeclarationTable) -> tuple[Licence, ...]:
    """Read `licences`."""
    return tuple(_read_licence(one) for one in whole.sections("licences"))


def _read_licence(section: DeclarationTable) -> Licence:
    licence = Licence(data=section.text("data"), licence=section.text("licence"))
    section.close()
    return licence


def read_algorithm(section: DeclarationTable, version: str, digest: str) -> AlgorithmIdentity:
    """Read `algorithm`: who claims what the bundle finds."""
    identity = AlgorithmIdentity(
        name=section.text("name", most=64),
        version=version,
        bundle_digest=digest,
        manufacturer=section.text("manufacturer", most=64),
    )
    section.close()
    return identity
