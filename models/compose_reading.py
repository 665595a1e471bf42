"""Composes a reading from the outputs and measurements of a schema 3 bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.declared.findings import DeclaredFinding, finding_titles
from models.declared.outputs.kinds import Appearance, Laterality, RegionKind, region_names
from models.declared_bundle import DeclaredBundle
from models.judge.limits import InForce
from models.judge.rules import RowSeen, as_statement, deciding
from models.measure.measure import as_measurement
from models.run.run_network import Found
from radiology.answer.anchor import Anchor
from radiology.answer.finding import Finding, Presence
from radiology.answer.measurement import Measurement, MeasurementGroup
from radiology.answer.reading import Reading, Suspicion
from radiology.codes import (
    ABNORMAL_STRUCTURE,
    ANATOMICAL_STRUCTURE,
    BILATERAL,
    LEFT,
    RIGHT,
    Code,
)
from radiology.outcome import Outcome, QualityGate
from radiology.region import Region, of_values
from radiology.site import Site

_KEY_SLICES = 5  # of a finding: as many as a key picture shows beside the first
_SIDES = {Laterality.RIGHT: RIGHT, Laterality.LEFT: LEFT, Laterality.BILATERAL: BILATERAL}


@dataclass(frozen=True)
class ReadingEvidence:
    """What a reading is composed of.

    Attributes
    ----------
    values : of measurements and study scores, by name
    presence : of each finding; empty for a study that is not assessable
    rows : of suspicion and urgency, with what each saw
    slices : of the volume
    """

    found: Found
    values: Mapping[str, float | None]
    in_force: Mapping[str, InForce]
    gates: tuple[QualityGate, ...]
    presence: Mapping[str, Presence]
    rows: Sequence[RowSeen]
    slices: int


def compose_reading(bundle: DeclaredBundle, evidence: ReadingEvidence) -> Reading:
    """Say in the values of every reading what was found; states nothing without a presence."""
    findings, groups = _findings(bundle, evidence), _groups(bundle, evidence)
    leading = next((one for one in findings if one.key_slices), None)
    return Reading(
        outcome=_outcome(evidence),
        algorithm=bundle.algorithm,
        report=bundle.report,
        suspicion=_suspicion(findings),
        findings=findings,
        groups=groups,
        summary=_summary(findings, groups),
        statements=tuple(as_statement(row) for row in deciding(evidence.rows)),
        gates=evidence.gates,
        key_slices=(
            leading.key_slices
            if leading is not None
            else _fullest(evidence, tuple(bundle.outputs.regions))
        ),
        regions=_regions(bundle, evidence.found),
        heat_maps=evidence.found.heat_maps if evidence.presence else {},
        urgency_rules=tuple(row.as_rule() for row in evidence.rows if row.of_urgency),
    )


def _summary(
    findings: Sequence[Finding], groups: Sequence[MeasurementGroup]
) -> tuple[Measurement, ...]:
    """What was measured of the first finding: of one alone, so that no figure is of another."""
    named = findings[0].groups if findings else ()
    return tuple(one for group in groups if group.name in named for one in group.measurements)


def _outcome(evidence: ReadingEvidence) -> Outcome:
    if not evidence.presence:
        return Outcome.NOT_ASSESSABLE
    claimed = any(one.claimed for one in evidence.presence.values())
    return Outcome.FINDINGS if claimed else Outcome.NO_FINDINGS


# --- Regions ------------------------------------------------------------------------------------


def _side(appearance: Appearance) -> Code | None:
    return None if appearance.laterality is None else _SIDES[appearance.laterality]


def _regions(bundle: DeclaredBundle, found: Found) -> tuple[Region, ...]:
    declared = bundle.outputs.regions
    names = region_names(declared)
    made = []
    for key, appearance in declared.items():
        is_finding = appearance.kind is RegionKind.FINDING
        labels, value = found.labels[key]
        made.append(
            Region(
                name=names[key],
                kind=appearance.code,
                is_finding=is_finding,
                colour=appearance.colour,
                site=Site(appearance.site, _side(appearance))
                if is_finding and appearance.site
                else None,
                laterality=None if is_finding else _side(appearance),
                labels=labels,
                values=(value,),
            )
        )
    return tuple(made)


# --- Findings -----------------------------------------------------------------------------------


def _findings(bundle: DeclaredBundle, evidence: ReadingEvidence) -> tuple[Finding, ...]:
    """The findings, the stated ones first."""
    made = [
        _finding(bundle, bundle.findings[name], presence, evidence)
        for name, presence in evidence.presence.items()
    ]
    return tuple(sorted(made, key=lambda one: not one.presence.claimed))


def _finding(
    bundle: DeclaredBundle, declared: DeclaredFinding, presence: Presence, evidence: ReadingEvidence
) -> Finding:
    names = region_names(bundle.outputs.regions)
    titles = finding_titles(bundle.findings)
    return Finding(
        key=declared.name,
        concept=declared.concept,
        presence=presence,
        site=None if declared.site is None else Site(declared.site),
        probability=evidence.values[declared.score] if declared.score else None,
        threshold=_threshold(bundle, declared, evidence),
        regions=tuple(names[one] for one in declared.regions),
        groups=(titles[declared.name],) if _carries(declared, evidence) else (),
        key_slices=_key_slices(bundle, declared, evidence),
    )


def _threshold(
    bundle: DeclaredBundle, declared: DeclaredFinding, evidence: ReadingEvidence
) -> float | None:
    """The limit in force of the first row that asks for the finding's own score."""
    for rule in bundle.rules.suspicion:
        if declared.score and (rule.finding, rule.condition.value) == (
            declared.name,
            declared.score,
        ):
            return evidence.in_force[rule.name].condition.limit
    return None


def _suspicion(findings: tuple[Finding, ...]) -> Suspicion | None:
    """That of the first finding with a probability and a threshold."""
    for finding in findings:
        if finding.probability is not None and finding.threshold is not None:
            return Suspicion(finding.probability, finding.threshold)
    return None


def _key_slices(
    bundle: DeclaredBundle, declared: DeclaredFinding, evidence: ReadingEvidence
) -> tuple[int, ...]:
    """The slices that show most of a finding; without regions those with the highest scores."""
    if declared.regions:
        return _fullest(evidence, declared.regions)
    measured = [bundle.measurements[name].score for name in declared.measurements]
    for score in measured:
        if score in evidence.found.slice_scores:
            return _highest(evidence.found, score)
    return ()


def _fullest(evidence: ReadingEvidence, names: tuple[str, ...]) -> tuple[int, ...]:
    counts = np.zeros(evidence.slices, dtype=np.int64)
    for name in names:
        labels, value = evidence.found.labels[name]
        counts += np.count_nonzero(of_values(labels, (value,)), axis=(1, 2))
    order = np.argsort(-counts, kind="stable")[:_KEY_SLICES]
    return tuple(int(at) for at in order if counts[at])


def _highest(found: Found, score: str) -> tuple[int, ...]:
    order = np.argsort(-found.slice_scores[score], kind="stable")[:_KEY_SLICES]
    sources = (found.planes[score][int(at)] for at in order)
    return tuple(source for source in sources if source is not None)


# --- Groups -------------------------------------------------------------------------------------


def _measured(
    bundle: DeclaredBundle, names: tuple[str, ...], evidence: ReadingEvidence
) -> tuple[Measurement, ...]:
    found = []
    for name in names:
        value = evidence.values[name]
        if value is not None:
            found.append(as_measurement(bundle.measurements[name], value))
    return tuple(found)


def _carries(declared: DeclaredFinding, evidence: ReadingEvidence) -> bool:
    return any(evidence.values[name] is not None for name in declared.measurements)


def _groups(bundle: DeclaredBundle, evidence: ReadingEvidence) -> tuple[MeasurementGroup, ...]:
    """A group for each measured finding, for each set of regions, and for the study."""
    names = region_names(bundle.outputs.regions)
    titles = finding_titles(bundle.findings)
    groups = [
        MeasurementGroup(
            name=titles[finding.name],
            kind=finding.concept,
            category=ABNORMAL_STRUCTURE if finding.regions else None,
            sites=() if finding.site is None else (Site(finding.site),),
            measurements=_measured(bundle, finding.measurements, evidence),
            regions=tuple(names[region] for region in finding.regions),
            anchor=Anchor(tuple(names[region] for region in finding.regions))
            if finding.regions
            else None,
        )
        for finding in bundle.findings.values()
        if _carries(finding, evidence)
    ]
    carried = {name for one in bundle.findings.values() for name in one.measurements}
    others: dict[tuple[str, ...], list[str]] = {}
    for name, measurement in bundle.measurements.items():
        if name not in carried:
            others.setdefault(measurement.of, []).append(name)
    groups += [
        _other_group(bundle, regions, tuple(listed), evidence) for regions, listed in others.items()
    ]
    return tuple(one for one in groups if one.measurements)


def _other_group(
    bundle: DeclaredBundle,
    regions: tuple[str, ...],
    listed: tuple[str, ...],
    evidence: ReadingEvidence,
) -> MeasurementGroup:
    names = region_names(bundle.outputs.regions)
    words = tuple(names[region] for region in regions)
    first = bundle.outputs.regions[regions[0]] if regions else None
    is_finding = first is not None and first.kind is RegionKind.FINDING
    category = ABNORMAL_STRUCTURE if is_finding else ANATOMICAL_STRUCTURE
    return MeasurementGroup(
        name=" and ".join(words) or bundle.report.title,
        kind=first.code
        if first is not None
        else bundle.report.body_region or bundle.report.procedure,
        category=category if regions else None,
        measurements=_measured(bundle, listed, evidence),
        regions=words,
    )
