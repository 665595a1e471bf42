"""A released model: its declaration, checked, and its files, checked by sha256.

A bundle is a folder `<name>/<version>/` with `bundle.toml` and the files that it lists. It is
released once and never edited in place.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.declaration import Table
from models.series_criteria import Criterion, read_criterion
from radiology.algorithm import AlgorithmIdentity
from radiology.errors import BundleRejected

DECLARATION = "bundle.toml"
SCHEMA = 1
LUNG_CLASSES = ("background", "right", "left")
LESION_CLASSES = ("none", "ground_glass", "consolidation")

_SHA256_DIGITS = 64


@dataclass(frozen=True)
class Licence:
    """A set that the bundle was trained on, and on what terms."""

    data: str
    licence: str


@dataclass(frozen=True)
class InputGrid:
    """What the network is fed: square axial patches, HU mapped linearly to 0…1.

    Attributes
    ----------
    name : of the ONNX input
    size : rows and columns of a patch; rows run to the back, columns to the patient's left
    """

    name: str
    size: int
    window_low_hu: float
    window_high_hu: float


@dataclass(frozen=True)
class Output:
    """One ONNX output: a probability for each class at each pixel.

    Attributes
    ----------
    kind : "lung" or "lesion"
    threshold : on the probability of any class but the first
    """

    name: str
    kind: str
    classes: tuple[str, ...]
    threshold: float


@dataclass(frozen=True)
class OperatingPoint:
    """From the lesion share of the lungs to a suspicion score, and when it is suspected.

    The score is logistic in the decimal logarithm of the share in percent, so it is 0.5 at
    `even_share_percent`.
    """

    even_share_percent: float
    slope: float
    suspicion_threshold: float

    def suspicion(self, lesion_share_percent: float) -> float:
        """Score from 0 to 1 for a lesion share from 0 to 100 %."""
        floor = 1e-3  # percent; below it all shares are alike
        decades = math.log10(max(lesion_share_percent, floor) / self.even_share_percent)
        return 1.0 / (1.0 + math.exp(-self.slope * decades))


@dataclass(frozen=True)
class Bundle:
    """A bundle whose declaration and files were checked."""

    folder: Path
    name: str
    version: str
    digest: str
    network: Path
    intended_use: str
    research_only: bool
    licences: tuple[Licence, ...]
    criteria: tuple[Criterion, ...]
    grid: InputGrid
    lung: Output
    lesion: Output
    operating_point: OperatingPoint
    algorithm: AlgorithmIdentity

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


def _read_grid(table: Table) -> InputGrid:
    grid = InputGrid(
        name=table.text("name"),
        size=table.integer("size", 16, 4096),
        window_low_hu=table.number("window_low_hu", -4096, 4096),
        window_high_hu=table.number("window_high_hu", -4096, 4096),
    )
    if table.texts("axes") != ("slice", "channel", "row", "column"):
        raise BundleRejected("The input's axes are not slice, channel, row, column")
    if grid.window_low_hu >= grid.window_high_hu:
        raise BundleRejected("The input's window is empty")
    table.close()
    return grid


def _read_output(table: Table, kind: str, classes: tuple[str, ...]) -> Output:
    output = Output(
        name=table.text("name"),
        kind=kind,
        classes=table.texts("classes"),
        threshold=table.number("threshold", 0.0, 1.0),
    )
    if output.classes != classes:
        raise BundleRejected(f"The {kind} output's classes are not {', '.join(classes)}")
    table.close()
    return output


def _read_operating_point(table: Table) -> OperatingPoint:
    point = OperatingPoint(
        even_share_percent=table.number("even_share_percent", 1e-3, 100.0),
        slope=table.number("slope", 0.01, 100.0),
        suspicion_threshold=table.number("suspicion_threshold", 0.0, 1.0),
    )
    table.close()
    return point


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
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BundleRejected("The declaration is not TOML") from error
    return Table(values, "bundle"), hashlib.sha256(raw).hexdigest()


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
    if table.integer("schema", 1, 1_000_000) != SCHEMA:
        raise BundleRejected("The declaration is of another schema", supported=SCHEMA)
    name, version = table.text("name"), table.text("version")
    if (folder.parent.name, folder.name) != (name, version):
        raise BundleRejected("The bundle lies in a folder of another name or version", name=name)
    listed = _checked_files(folder, table.table("files").all_texts())
    network = table.text("network")
    if network not in listed:
        raise BundleRejected("The network is not among the listed files", file=network)
    digest = bundle_digest({**listed, DECLARATION: own_digest})
    identity = table.table("algorithm")
    outputs = table.table("outputs")
    bundle = Bundle(
        folder=folder,
        name=name,
        version=version,
        digest=digest,
        network=folder / network,
        intended_use=table.text("intended_use"),
        research_only=table.flag("research_only"),
        licences=tuple(_read_licence(entry) for entry in table.tables("licences")),
        criteria=tuple(read_criterion(entry) for entry in table.tables("accepts")),
        grid=_read_grid(table.table("input")),
        lung=_read_output(outputs.table("lung"), "lung", LUNG_CLASSES),
        lesion=_read_output(outputs.table("lesion"), "lesion", LESION_CLASSES),
        operating_point=_read_operating_point(table.table("operating_point")),
        algorithm=AlgorithmIdentity(
            name=identity.text("name"),
            version=version,
            bundle_digest=digest,
            manufacturer=identity.text("manufacturer"),
        ),
    )
    for used in (identity, outputs, table):
        used.close()
    return bundle
