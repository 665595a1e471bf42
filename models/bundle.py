"""A released model: its declaration, checked, and its files, checked by sha256.

A bundle is a folder `<name>/<version>/` with `bundle.toml` and the files that it lists. It is
released once and never edited in place.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.declared.case import CaseDeclaration, OperatingPoint, read_case
from models.declared.networks import (
    Classification,
    InputGrid,
    Networks,
    Output,
    read_classification,
    read_grid,
    read_lung_and_lesion,
    read_network_files,
)
from models.declared.series_criteria import Criterion, read_criterion
from models.declared.table import Table
from radiology.algorithm import AlgorithmIdentity
from radiology.errors import BundleRejected

DECLARATION = "bundle.toml"
SCHEMA = 2

_SHA256_DIGITS = 64


@dataclass(frozen=True)
class Licence:
    """A set that the bundle was trained on, and on what terms."""

    data: str
    licence: str


@dataclass(frozen=True)
class _Inside:
    """What the networks of a bundle are and how their answers are used."""

    networks: Networks
    grid: InputGrid
    lung: Output
    lesion: Output
    classification: Classification | None
    case: CaseDeclaration


@dataclass(frozen=True)
class Bundle:
    """A bundle whose declaration and files were checked.

    Attributes
    ----------
    grid, lung, lesion : the segmentation network's input and outputs
    classification : the classifier's input and outputs; None for a bundle that only segments
    case : from slices to a case
    """

    folder: Path
    name: str
    version: str
    digest: str
    intended_use: str
    research_only: bool
    licences: tuple[Licence, ...]
    criteria: tuple[Criterion, ...]
    algorithm: AlgorithmIdentity
    networks: Networks
    grid: InputGrid
    lung: Output
    lesion: Output
    classification: Classification | None
    case: CaseDeclaration

    @property
    def operating_point(self) -> OperatingPoint:
        """From the value of the chosen rule to a suspicion score."""
        return self.case.point

    def series_refusals(self, header: Mapping[str, object]) -> tuple[str, ...]:
        """Why this bundle does not want a series; empty when it does.

        Parameters
        ----------
        header : DICOM keyword to value; a keyword that is absent or None is missing
        """
        reasons = (criterion.refusal(header) for criterion in self.criteria)
        return tuple(reason for reason in reasons if reason is not None)


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


def _checked_files(folder: Path, listed: Mapping[str, str]) -> dict[str, str]:
    """Digests of the files that are there; each must be the one that is listed."""
    present = {path.name for path in folder.iterdir()} - {DECLARATION}
    for name in sorted(present - set(listed)):
        raise BundleRejected("A file in the bundle is not listed", file=name)
    for name, expected in listed.items():
        if len(expected) != _SHA256_DIGITS:
            raise BundleRejected("A listed sha256 is not one", file=name)
        if "/" in name or name not in present:
            raise BundleRejected("A listed file is missing", file=name)
        if file_digest(folder / name) != expected:
            raise BundleRejected("A file is not the one that was released (sha256)", file=name)
    return dict(listed)


def _read_licence(table: Table) -> Licence:
    licence = Licence(data=table.text("data"), licence=table.text("licence"))
    table.close()
    return licence


def _declaration(folder: Path) -> tuple[Table, str]:
    try:
        raw = (folder / DECLARATION).read_bytes()
        values = tomllib.loads(raw.decode())
    except OSError as error:
        raise BundleRejected("The bundle has no declaration that can be read") from error
    except (ValueError, RecursionError) as error:  # a number or a nesting beyond all measure too
        raise BundleRejected("The declaration is not TOML") from error
    return Table(values, "bundle"), hashlib.sha256(raw).hexdigest()


def _read_inside(table: Table, folder: Path, listed: Mapping[str, str]) -> _Inside:
    networks, segmentation = table.table("networks"), table.table("segmentation")
    classified = networks.has("classification")
    files = Networks(
        segmentation=read_network_files(networks.table("segmentation"), folder, listed),
        classification=(
            read_network_files(networks.table("classification"), folder, listed)
            if classified
            else None
        ),
    )
    grid = read_grid(segmentation.table("input"))
    lung, lesion = read_lung_and_lesion(segmentation.table("outputs"))
    for used in (networks, segmentation):
        used.close()
    return _Inside(
        networks=files,
        grid=grid,
        lung=lung,
        lesion=lesion,
        classification=(read_classification(table.table("classification")) if classified else None),
        case=read_case(table.table("case"), classified=classified),
    )


def _read_algorithm(table: Table, version: str, digest: str) -> AlgorithmIdentity:
    identity = AlgorithmIdentity(
        name=table.text("name"),
        version=version,
        bundle_digest=digest,
        manufacturer=table.text("manufacturer"),
    )
    table.close()
    return identity


def read_bundle(folder: Path) -> Bundle:
    """Read and check one bundle.

    Parameters
    ----------
    folder : `<name>/<version>`; the names of the folders must be those declared

    Raises
    ------
    BundleRejected
        With the reason: a declaration that is missing, malformed, incomplete or has unknown
        keys; a file that is missing, unlisted or changed; a wrong label.
    """
    table, own_digest = _declaration(folder)
    schema = table.integer("schema", 1, 1_000_000)
    if schema != SCHEMA:
        raise BundleRejected("The declaration is of another schema", supported=SCHEMA)
    name, version = table.text("name"), table.text("version")
    if (folder.parent.name, folder.name) != (name, version):
        raise BundleRejected("The bundle lies in a folder of another name or version", name=name)
    listed = _checked_files(folder, table.table("files").all_texts())
    inside = _read_inside(table, folder, listed)
    digest = bundle_digest({**listed, DECLARATION: own_digest})
    bundle = Bundle(
        folder=folder,
        name=name,
        version=version,
        digest=digest,
        intended_use=table.text("intended_use"),
        research_only=table.flag("research_only"),
        licences=tuple(_read_licence(entry) for entry in table.tables("licences")),
        criteria=tuple(read_criterion(entry) for entry in table.tables("accepts")),
        algorithm=_read_algorithm(table.table("algorithm"), version, digest),
        networks=inside.networks,
        grid=inside.grid,
        lung=inside.lung,
        lesion=inside.lesion,
        classification=inside.classification,
        case=inside.case,
    )
    table.close()
    return bundle
