"""A released model of schema 3: all that it declares, checked, and its files by sha256.

Schema 2 is `models.bundle`; which of the two a folder holds, `schema_of` says.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from models.bundle import DECLARATION, Licence, bundle_digest, file_digest
from models.declared.findings import DeclaredFinding, read_findings
from models.declared.gates import DeclaredGate, read_gates
from models.declared.inputs import NetworkInput, read_inputs, read_networks
from models.declared.measurements import DeclaredMeasurement, read_measurements
from models.declared.networks import NetworkFiles
from models.declared.outputs import Outputs, read_outputs
from models.declared.report import (
    Destination,
    EntryPoint,
    read_destination,
    read_entry_point,
    read_report,
)
from models.declared.rules import Rules, read_rules
from models.declared.section import Section, listing, nearest, rejected
from models.declared.series_criteria import Criterion, read_criteria
from radiology.algorithm import AlgorithmIdentity
from radiology.errors import BundleRejected
from radiology.reading import ReportWords

SCHEMA: Final = 3
ENTRY_POINTS: Final = "firstread.readings"

_KEYS: Final = (
    "name", "version", "intended_use", "research_only", "algorithm", "files", "licences",
    "accepts", "report", "networks", "inputs", "outputs", "measurements", "findings",
    "suspicion", "urgency", "gates", "reading", "deliver",
)  # fmt: skip
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_SCHEMA = re.compile(rb"^\s*schema\s*=\s*(\d{1,6})\s*(?:#.*)?$", re.MULTILINE)
_LINE = re.compile(r"at line (\d+)")


@dataclass(frozen=True)
class DeclaredBundle:
    """A bundle of schema 3 whose declaration and files were checked.

    Attributes
    ----------
    networks, inputs : by the network's name
    measurements, findings : by their names
    entry_point : what adds statements and groups to the reading; None where declarations say all
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
    report: ReportWords
    networks: Mapping[str, NetworkFiles]
    inputs: Mapping[str, NetworkInput]
    outputs: Outputs
    measurements: Mapping[str, DeclaredMeasurement]
    findings: Mapping[str, DeclaredFinding]
    rules: Rules
    gates: tuple[DeclaredGate, ...]
    entry_point: EntryPoint | None
    destination: Destination

    def series_refusals(self, header: Mapping[str, object]) -> tuple[str, ...]:
        """Why this bundle does not want a series; empty when it does.

        Parameters
        ----------
        header : DICOM keyword to value; a keyword that is absent or None is missing
        """
        reasons = (criterion.refusal(header) for criterion in self.criteria)
        return tuple(reason for reason in reasons if reason is not None)


@dataclass(frozen=True)
class _Answers:
    """What a bundle declares of its answers."""

    networks: Mapping[str, NetworkFiles]
    inputs: Mapping[str, NetworkInput]
    outputs: Outputs
    measurements: Mapping[str, DeclaredMeasurement]
    findings: Mapping[str, DeclaredFinding]
    rules: Rules
    gates: tuple[DeclaredGate, ...]
    entry_point: EntryPoint | None


def schema_of(folder: Path) -> int | None:
    """The schema that a declaration names, TOML or not; None where it names none."""
    try:
        found = _SCHEMA.search((folder / DECLARATION).read_bytes())
    except OSError:
        return None
    return int(found[1]) if found else None


def read_declared_bundle(folder: Path) -> DeclaredBundle:
    """Read and check one bundle of schema 3.

    Parameters
    ----------
    folder : `<name>/<version>`; the names of the folders must be those declared

    Raises
    ------
    BundleRejected
        With the line, the reason and the cure.
    """
    whole, own_digest = _read_text(folder)
    schema = whole.integer("schema", 1, 1_000_000)
    if schema != SCHEMA:
        raise whole.problem("schema", f"schema {schema} is not read here", f"Write {SCHEMA}.")
    whole.expect(*_KEYS)
    name, version = _read_name(whole, folder)
    listed = _checked_files(whole.section("files"), folder)
    digest = bundle_digest({**listed, DECLARATION: own_digest})
    answers = _read_answers(whole, folder, listed)
    bundle = DeclaredBundle(
        folder=folder,
        name=name,
        version=version,
        digest=digest,
        intended_use=whole.text("intended_use"),
        research_only=whole.flag("research_only"),
        licences=tuple(_read_licence(one) for one in whole.sections("licences")),
        criteria=read_criteria(whole),
        algorithm=_read_algorithm(whole.section("algorithm"), version, digest),
        report=read_report(whole.section("report")),
        networks=answers.networks,
        inputs=answers.inputs,
        outputs=answers.outputs,
        measurements=answers.measurements,
        findings=answers.findings,
        rules=answers.rules,
        gates=answers.gates,
        entry_point=answers.entry_point,
        destination=read_destination(whole.section("deliver")),
    )
    whole.close()
    return bundle


def _read_answers(whole: Section, folder: Path, listed: Collection[str]) -> _Answers:
    networks = read_networks(whole.section("networks"), folder, listed)
    inputs = read_inputs(whole.section("inputs"), networks)
    outputs = read_outputs(whole, inputs)
    measurements = read_measurements(whole, outputs)
    findings = read_findings(whole, outputs, measurements)
    entry_point = _read_entry_point(whole) if whole.has("reading") else None
    values = [*measurements, *outputs.study_scores]
    for name in entry_point.values if entry_point is not None else ():
        if name in values:
            raise whole.problem("reading", f'a measurement is named "{name}" too', "Rename one.")
        values.append(name)
    return _Answers(
        networks=networks,
        inputs=inputs,
        outputs=outputs,
        measurements=measurements,
        findings=findings,
        rules=read_rules(whole, findings, values),
        gates=read_gates(whole, outputs, values),
        entry_point=entry_point,
    )


def _read_text(folder: Path) -> tuple[Section, str]:
    """The declaration, and the sha256 of its bytes."""
    try:
        raw = (folder / DECLARATION).read_bytes()
    except OSError as error:
        raise BundleRejected(
            f"{DECLARATION}: it is missing or cannot be read. `firstread models init` writes one."
        ) from error
    try:
        return Section.of(raw.decode()), hashlib.sha256(raw).hexdigest()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise rejected(line, "", "the bytes are not UTF-8", "Save the file as UTF-8.") from error
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        found = _LINE.search(str(error))
        line = int(found[1]) if found else 1
        raise rejected(line, "", f"this is not TOML: {error}", "See https://toml.io.") from error


def _read_name(whole: Section, folder: Path) -> tuple[str, str]:
    named = {key: whole.text(key) for key in ("name", "version")}
    for (key, value), path in zip(named.items(), (folder.parent, folder), strict=True):
        if not _NAME.fullmatch(value):
            raise whole.problem(key, f'"{value}" is no {key}', "Use letters, digits and -._+ only.")
        if value != path.name:
            raise whole.problem(
                key,
                f'"{value}" lies in a folder "{path.name}"',
                "The folders are <name>/<version>: rename one of the two.",
            )
    return named["name"], named["version"]


def _checked_files(section: Section, folder: Path) -> dict[str, str]:
    """Digests of the files that are there; each must be the one that is listed."""
    present = {path.name for path in folder.iterdir()} - {DECLARATION}
    seal = "`firstread models seal` lists the files as they are."
    listed: dict[str, str] = {}
    for name in section.names():
        expected = section.text(name)
        if not _SHA256.fullmatch(expected):
            raise section.problem(name, "this is no sha256", f"It has 64 digits of 0-9a-f; {seal}")
        if name not in present or not (folder / name).is_file():
            cure = f"{nearest(name, present)}Put the file there, or leave the line out."
            raise section.problem(name, f'the file "{name}" is missing', cure)
        if _digest(folder / name) != expected:
            raise section.problem(
                name, f'the file "{name}" is not the one that was released', f"(sha256) {seal}"
            )
        listed[name] = expected
    for name in sorted(present - set(listed)):
        raise section.problem(None, f'the file "{name}" is not listed', seal)
    return listed


def _digest(path: Path) -> str:
    """The sha256 of a file; "" where it cannot be read."""
    try:
        return file_digest(path)
    except OSError:
        return ""


def _read_licence(section: Section) -> Licence:
    licence = Licence(data=section.text("data"), licence=section.text("licence"))
    section.close()
    return licence


def _read_algorithm(section: Section, version: str, digest: str) -> AlgorithmIdentity:
    identity = AlgorithmIdentity(
        name=section.text("name", most=64),
        version=version,
        bundle_digest=digest,
        manufacturer=section.text("manufacturer", most=64),
    )
    section.close()
    return identity


def _read_entry_point(whole: Section) -> EntryPoint:
    section = whole.section("reading")
    entry = read_entry_point(section)
    installed = sorted({one.name for one in entry_points(group=ENTRY_POINTS)})
    if entry.name not in installed:
        cure = f"{nearest(entry.name, installed)}Installed are {listing(installed)}."
        raise section.problem(
            "entry_point", f'no entry point "{entry.name}" of {ENTRY_POINTS} is installed', cure
        )
    return entry
