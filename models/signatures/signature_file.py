"""The file of a bundle's signatures. It lies beside the bundle's folder, not in it.

A bundle's folder is what was sealed, and its digest stands in results: a signature adds nothing to
it, and readers from before signatures pass over the file.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from radiology.errors import BundleRejected, SettingsRefused

SUFFIX: Final = ".signature"
_LINE: Final = re.compile(r"ed25519 ([0-9a-f]{16}) ([A-Za-z0-9+/]{86}==)", re.ASCII)
_MOST_BYTES: Final = 10_000


def signature_path(folder: Path) -> Path:
    """Where the signatures of the bundle in `folder` lie: `<name>/<version>.signature`."""
    return folder.parent / f"{folder.name}{SUFFIX}"


def read_signatures(folder: Path) -> dict[str, bytes]:
    """The signatures under a bundle by the id of their keys; empty where there is no file.

    Raises
    ------
    BundleRejected
        The file cannot be read as signatures.
    """
    path = signature_path(folder)
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BundleRejected(f"The signature {path} cannot be read: {error.strerror}") from error
    found: dict[str, bytes] = {}
    for line in raw.decode("ascii", errors="replace").splitlines():
        matched = _LINE.fullmatch(line)
        if matched is None or len(raw) > _MOST_BYTES or matched[1] in found:
            raise _damaged(path)
        try:
            found[matched[1]] = base64.b64decode(matched[2], validate=True)
        except binascii.Error as error:
            raise _damaged(path) from error
    if not found:
        raise _damaged(path)
    return found


def write_signatures(folder: Path, signatures: Mapping[str, bytes]) -> Path:
    """Write the signatures under a bundle, whole or not at all.

    Raises
    ------
    SettingsRefused
        The file cannot be written.
    """
    path = signature_path(folder)
    lines = (
        f"ed25519 {key} {base64.b64encode(signatures[key]).decode()}\n"
        for key in sorted(signatures)
    )
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("w", encoding="ascii") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise SettingsRefused(f"{path} cannot be written: {error.strerror}") from error
    return path


def _damaged(path: Path) -> BundleRejected:
    return BundleRejected(
        f"{path} is not a file of signatures: install the bundle again, or sign it again with "
        "`firstread models sign`"
    )
