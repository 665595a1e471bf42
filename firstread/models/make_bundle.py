"""`firstread models init` and `seal`: make a new bundle from an ONNX file."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from models.candidates import candidates_folder, name_and_version
from models.release.seal import seal
from models.release.skeleton import write_skeleton
from radiology.errors import BundleRejected
from settings.environment import Settings


def init_and_print(
    settings: Settings, name: str, network: Path, version: str, into: Path | None
) -> None:
    """Write a skeleton, by default among the candidates, and say what comes next."""
    folder = write_skeleton(
        into or candidates_folder(settings.bundles_folder), name, version, network
    )
    _console().print(
        f"Written: {folder}\n"
        "1. Look at every line of bundle.toml that says CHECK, correct it, take the word out, and\n"
        "   write the MODEL_CARD.md.\n"
        f"2. firstread models seal {folder}\n"
        f"3. firstread models try {folder} STUDY   (a folder with the DICOM files of a study)\n"
        f"4. firstread models use {name}/{version}\n"
        "5. Name it under `bundles` in firstread.toml: it reads the studies that come and that it\n"
        "   accepts (docs/bundles.md).",
        markup=False,
    )


def seal_and_print(settings: Settings, which: str) -> None:
    """Write golden answers and digests of a bundle that is being made."""
    bundle = seal(find_folder(settings, which))
    _console().print(
        f"Sealed: {bundle.name}/{bundle.version}, digest {bundle.digest[:12]}", markup=False
    )


def find_folder(settings: Settings, which: str) -> Path:
    """The folder of a bundle: a path, or NAME/VERSION among the bundles and the candidates.

    Raises
    ------
    BundleRejected
        There is none.
    """
    path = Path(which)
    if (path / "bundle.toml").is_file():
        return path.resolve()
    name, version = name_and_version(which)
    for root in (settings.bundles_folder, candidates_folder(settings.bundles_folder)):
        if version and (root / name / version / "bundle.toml").is_file():
            return (root / name / version).resolve()
    raise BundleRejected(
        f"There is no bundle {which}: neither a folder with a bundle.toml, nor a NAME/VERSION in "
        f"{settings.bundles_folder}; `firstread models list` shows all"
    )


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)
