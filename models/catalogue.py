"""All bundles on disk, each checked once at start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from models.bundle import SCHEMA, Bundle, read_bundle
from models.declared_bundle import DeclaredBundle, read_declared_bundle, schema_of
from models.network_sessions import check_networks
from models.run.check_networks import check_declared_networks
from radiology.errors import BundleRejected


@dataclass(frozen=True)
class Catalogue:
    """What may be used, and what was refused and why.

    Attributes
    ----------
    bundles : of schema 2, by (name, version)
    declared : of schema 3, by (name, version)
    refused : "name/version" to the reason; shown by `firstread` and the worklist page
    """

    bundles: Mapping[tuple[str, str], Bundle]
    refused: Mapping[str, BundleRejected]
    declared: Mapping[tuple[str, str], DeclaredBundle] = field(default_factory=dict)

    def newest(self, name: str) -> Bundle:
        """The bundle of this name with the highest version, of those that the worker runs.

        Raises
        ------
        BundleRejected
            There is none that the worker runs; the message says why.
        """
        versions = [key for key in self.bundles if key[0] == name]
        if not versions and any(key[0] == name for key in self.declared):
            raise BundleRejected(
                f"The bundle {name} is of schema 3, which the worker does not run yet; "
                "`firstread models try` does"
            )
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
    declared: dict[tuple[str, str], DeclaredBundle] = {}
    refused: dict[str, BundleRejected] = {}
    # A name with a leading dot is a bundle that is just being written.
    versions = (path for path in folder.glob("[!.]*/[!.]*") if path.is_dir())
    for path in sorted(versions):
        key = (path.parent.name, path.name)
        try:
            if schema_of(path) == SCHEMA:
                bundles[key] = _checked(path)
            else:
                declared[key] = _checked_declared(path)
        except BundleRejected as error:
            refused["/".join(key)] = error
    return Catalogue(
        MappingProxyType(bundles), MappingProxyType(refused), MappingProxyType(declared)
    )


def check_folder(path: Path) -> None:
    """Check one bundle of either schema: declaration, digests, inputs and outputs of networks.

    Raises
    ------
    BundleRejected
        It is damaged; the message says where.
    """
    if schema_of(path) == SCHEMA:
        _checked(path)
    else:
        _checked_declared(path)


def _checked(path: Path) -> Bundle:
    bundle = read_bundle(path)
    check_networks(bundle)
    return bundle


def _checked_declared(path: Path) -> DeclaredBundle:
    bundle = read_declared_bundle(path)
    check_declared_networks(bundle)
    return bundle
