"""Chooses the bundle that a command uses: the newest of a name, or a given version."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from models.catalogue import UsableBundle, read_catalogue
from radiology.errors import BundleRejected, SettingsRefused
from settings.environment import Settings


def choose_bundle(wanted: str | None, folder: Path | None, settings: Settings) -> UsableBundle:
    """Find a usable bundle.

    Parameters
    ----------
    wanted : name, name/version or name@version; None for the name in the settings
    folder : the folder to look in; None for the one in the settings

    Raises
    ------
    BundleRejected, SettingsRefused
        There is none; the message says what there is.
    """
    folder = folder or settings.bundles_folder
    if not folder.is_dir():
        raise SettingsRefused(f"There is no folder {folder}; --bundles is the one with the bundles")
    name, *version = re.split("[@/]", wanted or settings.first_bundle, maxsplit=1)
    catalogue = read_catalogue(folder, settings.bundle_signatures)
    if not version:
        return catalogue.newest(name)
    found = catalogue.usable.get((name, version[0]))
    if found is None:
        reason = catalogue.refused.get(f"{name}/{version[0]}")
        there = ", ".join("/".join(key) for key in catalogue.usable) or "none"
        why = f"it was refused: {reason}" if reason else f"there are: {there}"
        raise BundleRejected(f"No usable bundle {name}/{version[0]} in {folder}; {why}")
    return found


def with_threads(settings: Settings, threads: int) -> Settings:
    """The settings with so many threads of the CPU; 0 leaves them as they are."""
    return settings.model_copy(update={"inference_threads": threads}) if threads else settings


def bundle_entries(bundle: UsableBundle) -> dict[str, Any]:
    """What identifies a bundle in JSON."""
    return {"bundle": f"{bundle.name}/{bundle.version}", "bundle_digest": bundle.digest}
