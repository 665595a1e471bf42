"""A released model: its declaration, checked, and its files, checked by sha256.

A bundle is a folder `<name>/<version>/` with `bundle.toml` and the files that it lists. It is
released once and never edited in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.declared.network_files import read_network_files
from models.declared.released import (
    Licence,
    bundle_digest,
    checked_files,
    read_algorithm,
    read_licences,
    read_name,
    read_text,
)
from models.declared.section import DECLARATION, DeclarationTable
from models.declared.series_criteria import Criterion, read_criteria
from models.schema_2.case import CaseDeclaration, OperatingPoint, read_case
from models.schema_2.networks import (
    Classification,
    InputGrid,
    Networks,
    Output,
    read_classification,
    read_grid,
    read_lung_and_lesion,
)
from radiology.algorithm import AlgorithmIdentity

SCHEMA = 2


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


def _read_inside(whole: DeclarationTable, folder: Path, listed: Mapping[str, str]) -> _Inside:
    networks, segmentation = whole.section("networks"), whole.section("segmentation")
    classified = networks.has("classification")
    files = Networks(
        segmentation=read_network_files(networks.section("segmentation"), folder, listed),
        classification=(
            read_network_files(networks.section("classification"), folder, listed)
            if classified
            else None
        ),
    )
    grid = read_grid(segmentation.section("input"))
    lung, lesion = read_lung_and_lesion(segmentation.section("outputs"))
    for used in (networks, segmentation):
        used.close()
    return _Inside(
        networks=files,
        grid=grid,
        lung=lung,
        lesion=lesion,
        classification=(
            read_classification(whole.section("classification")) if classified else None
        ),
        case=read_case(whole.section("case"), classified=classified),
    )


def read_bundle(folder: Path) -> Bundle:
    """Read and check one bundle.

    Parameters
    ----------
    folder : `<name>/<version>`; the names of the folders must be those declared

    Raises
    ------
    BundleRejected
        With the line, the reason and the cure: a declaration that is missing, malformed,
        incomplete or has unknown keys; a file that is missing, unlisted or changed.
    """
    whole, own_digest = read_text(folder)
    schema = whole.integer("schema", 1, 1_000_000)
    if schema != SCHEMA:
        raise whole.problem("schema", f"schema {schema} is not read here", f"Write {SCHEMA}.")
    name, version = read_name(whole, folder)
    listed = checked_files(whole.section("files"), folder)
    inside = _read_inside(whole, folder, listed)
    digest = bundle_digest({**listed, DECLARATION: own_digest})
    bundle = Bundle(
        folder=folder,
        name=name,
        version=version,
        digest=digest,
        intended_use=whole.text("intended_use"),
        research_only=whole.flag("research_only"),
        licences=read_licences(whole),
        criteria=read_criteria(whole),
        algorithm=read_algorithm(whole.section("algorithm"), version, digest),
        networks=inside.networks,
        grid=inside.grid,
        lung=inside.lung,
        lesion=inside.lesion,
        classification=inside.classification,
        case=inside.case,
    )
    whole.close()
    return bundle
