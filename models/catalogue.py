"""All bundles on disk, each checked once at start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from models.declared.report import Destination
from models.declared_bundle import DeclaredBundle, read_declared_bundle, schema_of
from models.schema_2.bundle import SCHEMA, Bundle, read_bundle
from models.signatures.check_signature import BundleSignature, Trust, check_signature
from radiology.errors import BundleRejected
from settings.bundle_signatures import BundleSignatures

UsableBundle = Bundle | DeclaredBundle

_CHEST_READER = "chest-ct"


def reads_chests(bundle: UsableBundle) -> bool:
    """Whether a bundle is read as a chest: schema 2, or the reader that it names."""
    if not isinstance(bundle, DeclaredBundle):
        return True
    return bundle.reader is not None and bundle.reader.name == _CHEST_READER


def destination_of(bundle: UsableBundle) -> Destination:
    """Where the results of a bundle go; schema 2 knows PACS alone."""
    return bundle.destination if isinstance(bundle, DeclaredBundle) else Destination.PACS


@dataclass(frozen=True)
class Catalogue:
    """What may be used, and what was refused and why.

    Attributes
    ----------
    bundles : of schema 2, by (name, version)
    declared : of schema 3, by (name, version)
    signatures : who vouches for each of those, by (name, version)
    refused : "name/version" to the reason; shown by `firstread` and the worklist page
    """

    bundles: Mapping[tuple[str, str], Bundle]
    refused: Mapping[str, BundleRejected]
    declared: Mapping[tuple[str, str], DeclaredBundle] = field(default_factory=dict)
    signatures: Mapping[tuple[str, str], BundleSignature] = field(default_factory=dict)

    @property
    def usable(self) -> Mapping[tuple[str, str], UsableBundle]:
        """All that may be used, by (name, version)."""
        return {**self.bundles, **self.declared}

    def newest(self, name: str) -> UsableBundle:
        """The bundle of this name with the highest version.

        Raises
        ------
        BundleRejected
            There is none that may be used; the message says why.
        """
        versions = [key for key in self.usable if key[0] == name]
        if not versions:
            reasons = "; ".join(f"{place}: {error}" for place, error in self.refused.items())
            raise BundleRejected(
                f"No usable bundle named {name}; `firstread models list` shows those that there "
                f"are, and `bundles` in the settings names those in use. {reasons}".strip()
            )
        return self.usable[max(versions, key=lambda key: _version_order(key[1]))]


def _version_order(version: str) -> tuple[tuple[int, str], ...]:
    """Sort 1.10.0 after 1.9.0."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in version.split("."))


def versions_on_disk(folder: Path, name: str) -> tuple[str, ...]:
    """The versions of a bundle that lie in a folder of bundles, unchecked, the newest last."""
    found = (path.name for path in (folder / name).glob("[!.]*") if path.is_dir())
    return tuple(sorted(found, key=_version_order))


def read_catalogue(folder: Path, wanted: BundleSignatures | None = None) -> Catalogue:
    """Read every `<name>/<version>` under a folder; a bad one does not spoil the others.

    Declaration, digests, signatures and the networks' inputs and outputs are checked; no network is
    run. A folder that does not exist is an empty catalogue.

    Parameters
    ----------
    wanted : the site's settings of signatures; None: Firstread's keys alone, and none is required
    """
    trust = Trust.by(wanted or BundleSignatures())
    bundles: dict[tuple[str, str], Bundle] = {}
    declared: dict[tuple[str, str], DeclaredBundle] = {}
    signatures: dict[tuple[str, str], BundleSignature] = {}
    refused: dict[str, BundleRejected] = {}
    # A name with a leading dot is a bundle that is just being written.
    versions = (path for path in folder.glob("[!.]*/[!.]*") if path.is_dir())
    for path in sorted(versions):
        key = (path.parent.name, path.name)
        try:
            if schema_of(path) == SCHEMA:
                bundle = _checked(path)
                signatures[key] = check_signature(path, trust, digest=bundle.digest)
                bundles[key] = bundle
            else:
                declares = _checked_declared(path)
                signatures[key] = check_signature(path, trust, digest=declares.digest)
                declared[key] = declares
        except BundleRejected as error:
            refused["/".join(key)] = error
    return Catalogue(
        MappingProxyType(bundles),
        MappingProxyType(refused),
        MappingProxyType(declared),
        MappingProxyType(signatures),
    )


def read_any_bundle(folder: Path) -> UsableBundle:
    """Read one bundle of either schema; its networks are not looked into.

    Raises
    ------
    BundleRejected
        As `read_bundle` and `read_declared_bundle`.
    """
    return read_bundle(folder) if schema_of(folder) == SCHEMA else read_declared_bundle(folder)


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
    # Here: who only asks what a bundle says of itself needs no ONNX Runtime in memory.
    from models.schema_2.network_sessions import check_networks

    bundle = read_bundle(path)
    check_networks(bundle)
    return bundle


def _checked_declared(path: Path) -> DeclaredBundle:
    from models.run.check_networks import check_declared_networks

    bundle = read_declared_bundle(path)
    check_declared_networks(bundle)
    return bundle
