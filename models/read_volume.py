"""Read one volume with a bundle of schema 3: run, measure, check, judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from models.compose_reading import ReadingEvidence, compose_reading
from models.declared.findings import finding_titles
from models.declared.outputs.kinds import RegionKind, region_names
from models.declared_bundle import DeclaredBundle
from models.entry_point import Addition, SeenVolume, extend_reading, load_entry_point
from models.judge.gates import Examined, apply_gates, refuses
from models.judge.limits import limits_in_force
from models.judge.named_values import NamedValue, named_values
from models.judge.remarks import remarks_of
from models.judge.rules import RowSeen, presences, urgency
from models.measure.measure import measure_all
from models.measure.regions import drop_small_parts, part_overlaps
from models.measure.tabulate import tabulate
from models.run.run_network import Found, RunnableNetwork, run_network
from radiology.answer.finding import Presence
from radiology.answer.reading import Reading
from radiology.clinical import ClinicalValues
from radiology.image.volume import Volume
from radiology.urgency import Triage


@dataclass(frozen=True)
class JudgedReading:
    """A reading, and how urgent the rules say that it is.

    Attributes
    ----------
    triage : None for a study that is not assessable
    rows : every row of suspicion and urgency with what it saw, in the order of asking
    values : of measurements and study scores by name; None where there was nothing to measure
    """

    reading: Reading
    triage: Triage | None
    rows: tuple[RowSeen, ...] = ()
    values: Mapping[str, float | None] = field(default_factory=dict)


def read_volume(
    volume: Volume,
    bundle: DeclaredBundle,
    networks: Mapping[str, RunnableNetwork],
    *,
    limits: Mapping[str, float] | None = None,
    age_years: float | None = None,
    given: ClinicalValues | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> JudgedReading:
    """Run a bundle's networks on a volume and say what it means.

    Parameters
    ----------
    volume : HU in any orientation
    networks : loaded, by name: `models.run.declared_network.load_networks`
    limits : of the site, by the name of the rule, in place of the bundle's
    age_years : of the patient at the time of the study; None where it is not stated
    given : clinical values, for the bundle's entry point; None where nobody gave any
    on_progress : called with inputs done and inputs in all, of one network after the other

    Returns
    -------
    A reading whose regions, heat maps and key slices are on the grid of `volume`. A gate that
    refuses makes it not assessable: then no finding is claimed and no urgency given.

    Raises
    ------
    BundleRejected
        A network answers otherwise than the bundle declares.
    SettingsRefused
        A limit is set for a rule that the bundle does not have.
    VolumeRefused
        The volume is too large at the network's spacing.
    """
    in_force = limits_in_force(bundle.rules, limits or {}, bundle.name)
    found = Found()
    for name, fed in bundle.inputs.items():
        part = run_network(volume, fed, bundle.outputs, networks[name], on_progress)
        found = found.merged(part)
    part_overlaps(found.labels, _findings_of(bundle))
    drop_small_parts(found.labels, bundle.findings.values(), volume.voxel_ml)
    values = dict(found.study_scores) | measure_all(bundle.measurements, found, volume)
    addition = _extended(volume, bundle, found, values, age_years, given or ClinicalValues())
    values |= addition.values
    names = _names(bundle)
    gates = apply_gates(
        bundle.gates, Examined(volume, found.labels, values, age_years, found.finite, names)
    )
    gates += addition.gates
    presence: dict[str, Presence] = {}
    decision: Triage | None = None
    rows: list[RowSeen] = []
    if not refuses(gates):
        presence, rows = presences(bundle.rules, in_force, values, names)
        titles = finding_titles(bundle.findings)
        decision, urgency_rows = urgency(bundle.rules, in_force, values, names, presence, titles)
        rows += urgency_rows
    evidence = ReadingEvidence(found, values, in_force, gates, presence, rows, volume.shape[0])
    reading = compose_reading(bundle, evidence)
    groups = reading.groups + addition.groups
    reading = replace(
        reading,
        groups=groups,
        statements=reading.statements + addition.statements,
        table=tabulate(groups, reading.findings, claimed=reading.has_findings),
        remarks=remarks_of(reading.findings, rows),
    )
    return JudgedReading(reading, decision, tuple(rows), values)


def _names(bundle: DeclaredBundle) -> dict[str, NamedValue]:
    """What a person reads of each value that the bundle's rules and gates compare."""
    others = () if bundle.entry_point is None else bundle.entry_point.values
    regions = region_names(bundle.outputs.regions)
    return named_values(bundle.measurements, bundle.outputs, regions, others)


def _findings_of(bundle: DeclaredBundle) -> list[str]:
    """The regions that are findings, in the order in which they are declared."""
    regions = bundle.outputs.regions
    return [name for name, one in regions.items() if one.kind is RegionKind.FINDING]


def _extended(
    volume: Volume,
    bundle: DeclaredBundle,
    found: Found,
    values: Mapping[str, float | None],
    age_years: float | None,
    given: ClinicalValues,
) -> Addition:
    """What the bundle's entry point adds; nothing where it has none."""
    declared = bundle.entry_point
    if declared is None:
        return Addition()
    seen = SeenVolume(
        volume=volume,
        bundle=bundle,
        labels=found.labels,
        values=values,
        slice_scores=found.slice_scores,
        heat_maps=found.heat_maps,
        age_years=age_years,
        given=given,
        parameters=declared.parameters,
    )
    return extend_reading(declared, load_entry_point(declared), seen)
