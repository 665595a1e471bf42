"""Seals a new bundle: writes its golden answers and the digests of its files."""

from __future__ import annotations

import json
import re
from pathlib import Path

from models.declared.released import GOLDEN, file_digest
from models.declared.section import DECLARATION
from models.declared_bundle import DeclaredBundle, read_declared_bundle
from models.release.golden_answers import describe_answers
from models.run.check_networks import check_declared_networks
from models.signatures.signature_file import signature_path
from radiology.errors import BundleRejected

_FILES = re.compile(r"^\[files\][^\n]*\n(?:(?!\[)[^\n]*\n?)*", re.MULTILINE)
_GUESSED = re.compile(r"^\s*[^\s#].*\bCHECK\b")  # a line that is all comment declares nothing


def seal(folder: Path) -> DeclaredBundle:
    """Write `golden.json` and the table `[files]`; nothing else of the declaration is changed.

    Parameters
    ----------
    folder : `<name>/<version>` of a bundle of schema 3

    Raises
    ------
    BundleRejected
        A line of the declaration still says that it was guessed; then nothing is written. The
        declaration or a network is wrong; then only the table `[files]` is new.
    """
    refuse_guesses(folder)
    write_bundle_files(folder)
    return read_declared_bundle(folder)


def refuse_guesses(folder: Path) -> None:
    """Refuse a declaration with a line that says CHECK: the skeleton guessed it.

    Raises
    ------
    BundleRejected
        There is such a line, or no declaration that can be read; the message says which.
    """
    lines = _read_text(folder / DECLARATION).splitlines()
    guessed = [number for number, line in enumerate(lines, start=1) if _GUESSED.search(line)]
    if guessed:
        first = lines[guessed[0] - 1].strip()
        others = ", ".join(map(str, guessed[1:]))
        more = f" So do lines {others}." if len(guessed) > 1 else ""
        raise BundleRejected(
            f"{DECLARATION} line {guessed[0]} still says CHECK: {first}. It was guessed. "
            f"Look whether it is right, correct it, and take the word CHECK out.{more}"
        )


def write_bundle_files(folder: Path) -> None:
    """Write golden answers and digests of a bundle, with guesses in it or without.

    Raises
    ------
    BundleRejected
        The declaration or a network is wrong.
    """
    write_files_table(folder)
    bundle = read_declared_bundle(folder)
    check_declared_networks(bundle)
    golden = json.dumps(describe_answers(bundle), indent=1)
    (folder / GOLDEN).write_text(golden + "\n", encoding="utf-8")
    write_files_table(folder)


def write_files_table(folder: Path) -> None:
    """Write the digests of the files that are there into `[files]`.

    A signature under what the files were before goes with them.

    Raises
    ------
    BundleRejected
        There is no declaration, or none that can be read.
    """
    path = folder / DECLARATION
    text = _read_text(path)
    names = sorted(
        file.name for file in folder.iterdir() if file.is_file() and file.name != DECLARATION
    )
    lines = [f"{json.dumps(name, ensure_ascii=False)} = " for name in names]
    table = "".join(
        f'{line}"{file_digest(folder / name)}"\n' for line, name in zip(lines, names, strict=True)
    )
    written = f"[files] # sha256 of each; `firstread models seal` writes them\n{table}\n"
    if not _FILES.search(text):
        raise BundleRejected(f"{path} has no table [files]; add a line with [files]")
    sealed = _FILES.sub(lambda _: written, text, count=1)
    if sealed != text:
        path.write_text(sealed, encoding="utf-8")
        signature_path(folder).unlink(missing_ok=True)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BundleRejected(f"{path} cannot be read as text in UTF-8") from error
