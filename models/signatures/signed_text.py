"""What is signed of a bundle: the list of its files that `sha256sum` prints.

So that a signature can be checked without Firstread (docs/bundles.md): the list is what
`LC_ALL=C sha256sum *` prints in the bundle's folder. Name and version stand in the declaration,
which is in the list, as every file is.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from models.declared.released import bundle_digest
from models.declared.section import DECLARATION
from radiology.errors import BundleRejected

_SHA256 = re.compile(r"[0-9a-f]{64}")
# `sha256sum` writes other names with escapes, and a shell's `*` passes over a leading dot.
_PLAIN_NAME = re.compile(r"[^.\x00-\x1f\\\x7f][^\x00-\x1f\\\x7f]*")


@dataclass(frozen=True, slots=True)
class SignedText:
    """What a signature is made over, and the digest of the bundle that it stands for."""

    text: bytes
    digest: str


def signed_text(folder: Path) -> SignedText:
    """The list of a bundle's files as its declaration has it; no other file is read.

    Whether the files are those of the list is what reading the bundle checks.

    Raises
    ------
    BundleRejected
        The declaration has no such list, or one of a name that cannot be signed.
    """
    digests = _listed(folder)
    for name, digest in digests.items():
        if not _PLAIN_NAME.fullmatch(name) or not _SHA256.fullmatch(digest):
            raise BundleRejected(
                f"{DECLARATION} lists a file that cannot be signed: give it a name without control "
                "characters, backslashes and a leading dot, and run `firstread models seal`"
            )
    text = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))
    return SignedText(text.encode(), bundle_digest(digests))


def _listed(folder: Path) -> dict[str, str]:
    """sha256 by name of every file, the declaration's own computed from its bytes."""
    try:
        raw = (folder / DECLARATION).read_bytes()
        files = tomllib.loads(raw.decode()).get("files")
    except (OSError, ValueError, RecursionError) as error:
        raise BundleRejected(f"{DECLARATION} is missing or cannot be read") from error
    if not isinstance(files, dict) or not all(isinstance(one, str) for one in files.values()):
        raise BundleRejected(
            f"{DECLARATION} has no table [files]; `firstread models seal` fills it"
        )
    return {**files, DECLARATION: hashlib.sha256(raw).hexdigest()}
