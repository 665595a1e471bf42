"""All bundles on disk, each checked once at start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from models.bundle import Bundle, read_bundle
from models.onnx_session import check_networks
from radiology.errors import BundleRejected


@dataclass(frozen=True)
class Catalogue:
    """What may be used, and what was refused and why.

    Attributes
    ----------
    bundles : by (name, version)
    refused : "name/version" to the reason; shown by `firstread` and the worklist page
    """

    bundles: Mapping[tuple[str, str], Bundle]
    refused: Mapping[str, BundleRejected]

    def newest(self, name: str) -> Bundle:
        """The usable bundle of this name with the highest version.

        Raises
        ------
        BundleRejected
            There is none; the message says what was refused.
        """
        versions = [key for key in self.bundles if key[0] == name]
        if not versions:
            reasons = "; ".join(f"{place}: {error}" for place, error in self.refused.items())
            raise BundleRejected(f"No usable bundle named {name}. {reasons}".strip())
        return self.bundles[max(versions, key=lambda key: _version_order(key[1]))]


def _version_order(version: str) -> tuple[tuple[int, str], ...]:
    """Sort 1.10.0 after 1.9.0."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in version.split("."))


def versions_on_disk(folder: Path, name: str) -> tuple[str, ...]:
    """The versions of a bundle that lie in a folder of bundles, unchecked, the newest last."""
    found = (path.name for path in (folder / name).glob("[!.]*") if path.is_dir())
    return tuple(sorted(found, key=_version_order))


def read_catalogue(folder: Path) -> Catalogue:
    """Read every `<name>/<version>` under a folder; a bad one does not spoil the others.

    Declaration, digests and the networks' inputs and outputs are checked; no network is run.
    A folder that does not exist is an empty catalogue.
    """
    bundles: dict[tuple[str, str], Bundle] = {}
    refused: dict[str, BundleRejected] = {}
    # A name with a leading dot is a bundle that is just being written.
    versions = (path for path in folder.glob("[!.]*/[!.]*") if path.is_dir())
    for path in sorted(versions):
        try:
            bundle = read_bundle(path)
            check_networks(bundle)
        except BundleRejected as error:
            refused[f"{path.parent.name}/{path.name}"] = error
        else:
            bundles[bundle.name, bundle.version] = bundle
    return Catalogue(MappingProxyType(bundles), MappingProxyType(refused))
