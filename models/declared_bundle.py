"""A released model of schema 3: all that it declares, checked, and its files by sha256.

Schema 2 is `models.schema_2.bundle`; which of the two a folder holds, `schema_of` says.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from models.declared.findings import DeclaredFinding, finding_titles, read_findings
from models.declared.gates import DeclaredGate, read_gates
from models.declared.inputs import NetworkInput, read_inputs, read_networks
from models.declared.measurements import DeclaredMeasurement, read_measurements
from models.declared.network_files import NetworkFiles
from models.declared.outputs.kinds import Outputs, region_names
from models.declared.outputs.read_outputs import read_outputs
from models.declared.released import (
    Licence,
    bundle_digest,
    checked_files,
    read_algorithm,
    read_licences,
    read_name,
    read_text,
)
from models.declared.report import (
    Destination,
    EntryPoint,
    NamedReader,
    read_destination,
    read_entry_point,
    read_reader,
    read_report,
)
from models.declared.rules import Rules, read_rules
from models.declared.section import DECLARATION, DeclarationTable, listing, nearest
from models.declared.series_criteria import Criterion, read_criteria
from models.declared.words import read_words
from radiology.algorithm import AlgorithmIdentity
from radiology.answer.reading import ReportWords

SCHEMA: Final = 3
ENTRY_POINTS: Final = "firstread.readings"
READERS: Final = "firstread.readers"

_KEYS: Final = (
    "name", "version", "intended_use", "research_only", "algorithm", "files", "licences",
    "accepts", "report", "networks", "inputs", "outputs", "measurements", "findings",
    "suspicion", "urgency", "gates", "reading", "reader", "deliver", "words",
)  # fmt: skip
_SCHEMA = re.compile(rb"^\s*schema\s*=\s*(\d{1,6})\s*(?:#.*)?$", re.MULTILINE)


@dataclass(frozen=True)
class DeclaredBundle:
    """A bundle of schema 3 whose declaration and files were checked.

    Attributes
    ----------
    files : names of those that it consists of, beside its declaration
    networks, inputs : by the network's name
    measurements, findings : by their names
    entry_point : what adds statements and groups to the reading; None where declarations say all
    reader : what reads in place of the general reader, which has no course over several studies
    """

    folder: Path
    name: str
    version: str
    digest: str
    files: frozenset[str]
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
    reader: NamedReader | None
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
    reader: NamedReader | None


def schema_of(folder: Path) -> int | None:
    """The schema that a declaration names, TOML or not; None where it names none."""
    try:
        found = _SCHEMA.search((folder / DECLARATION).read_bytes())
    except OSError:
        return None
    return int(found[1]) if found else None


def names_entry_point(folder: Path) -> bool | None:
    """Whether a declaration of schema 3 names Python that may be told clinical values, unchecked.

    None where the folder holds no declaration of schema 3 that is TOML, and where a reader of its
    own stands in for the general one: what that uses, its answers tell.
    """
    if schema_of(folder) != SCHEMA:
        return None
    try:
        whole = tomllib.loads((folder / DECLARATION).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # neither TOML nor UTF-8
        return None
    return None if "reader" in whole else "reading" in whole


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
    whole, own_digest = read_text(folder)
    schema = whole.integer("schema", 1, 1_000_000)
    if schema != SCHEMA:
        raise whole.problem("schema", f"schema {schema} is not read here", f"Write {SCHEMA}.")
    whole.expect(*_KEYS)
    name, version = read_name(whole, folder)
    listed = checked_files(whole.section("files"), folder)
    digest = bundle_digest({**listed, DECLARATION: own_digest})
    answers = _read_answers(whole, folder, listed)
    report = read_report(whole.section("report"))
    if whole.has("words"):
        words = read_words(whole.section("words"), _titles(report, answers))
        report = replace(report, translated=words)
    bundle = DeclaredBundle(
        folder=folder,
        name=name,
        version=version,
        digest=digest,
        files=frozenset(listed),
        intended_use=whole.text("intended_use"),
        research_only=whole.flag("research_only"),
        licences=read_licences(whole),
        criteria=read_criteria(whole),
        algorithm=read_algorithm(whole.section("algorithm"), version, digest),
        report=report,
        networks=answers.networks,
        inputs=answers.inputs,
        outputs=answers.outputs,
        measurements=answers.measurements,
        findings=answers.findings,
        rules=answers.rules,
        gates=answers.gates,
        entry_point=answers.entry_point,
        reader=answers.reader,
        destination=read_destination(whole.section("deliver")),
    )
    whole.close()
    return bundle


def _read_answers(whole: DeclarationTable, folder: Path, listed: Collection[str]) -> _Answers:
    networks = read_networks(whole.section("networks"), folder, listed)
    inputs = read_inputs(whole.section("inputs"), networks)
    outputs = read_outputs(whole, inputs)
    measurements = read_measurements(whole, outputs)
    findings = read_findings(whole, outputs, measurements)
    if whole.has("reader") and whole.has("reading"):
        raise whole.problem(
            "reading",
            "a reader of its own asks no other entry point",
            "Write [reader] or [reading], not both.",
        )
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
        reader=_read_reader(whole) if whole.has("reader") else None,
    )


def _titles(report: ReportWords, answers: _Answers) -> set[str]:
    """Every title that the page shows of a declaration."""
    rules, outputs = answers.rules, answers.outputs
    codes = (
        report.body_region,
        *(code for one in answers.findings.values() for code in (one.concept, one.site)),
        *(one.concept for one in answers.measurements.values()),
        *(one.code for one in outputs.regions.values()),
    )
    return {
        report.title,
        report.subject,
        *(code.meaning for code in codes if code is not None),
        *region_names(outputs.regions).values(),
        *finding_titles(answers.findings).values(),
        *(one.name for one in rules.suspicion),
        *(one.name for one in rules.urgency),
        *(one.reason for one in answers.gates if one.reason),
    }


def _read_entry_point(whole: DeclarationTable) -> EntryPoint:
    section = whole.section("reading")
    entry = read_entry_point(section)
    _require_installed(section, entry.name, ENTRY_POINTS)
    return entry


def _read_reader(whole: DeclarationTable) -> NamedReader:
    section = whole.section("reader")
    reader = read_reader(section)
    _require_installed(section, reader.name, READERS)
    return reader


def _require_installed(section: DeclarationTable, name: str, group: str) -> None:
    installed = sorted({one.name for one in entry_points(group=group)})
    if name not in installed:
        cure = f"{nearest(name, installed)}Installed are {listing(installed)}."
        raise section.problem(
            "entry_point", f'no entry point "{name}" of {group} is installed', cure
        )
