"""The findings of a schema 3 bundle: the regions, scores and measurements of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.declared.codes import read_code, read_optional_code
from models.declared.inputs import NAME
from models.declared.measurements import DeclaredMeasurement, read_regions, require
from models.declared.outputs.kinds import Outputs, RegionKind
from models.declared.section import DeclarationTable
from radiology.codes import Code


@dataclass(frozen=True, slots=True)
class DeclaredFinding:
    """One finding.

    Attributes
    ----------
    regions : where it lies; connected parts smaller than `least_ml` are dropped from them
    score : the study score that is its probability; "" for none
    measurements : that stand with it; all others stand with the study
    """

    name: str
    concept: Code
    site: Code | None
    regions: tuple[str, ...]
    score: str
    measurements: tuple[str, ...]
    least_ml: float


def read_findings(
    section: DeclarationTable, outputs: Outputs, measurements: Mapping[str, DeclaredMeasurement]
) -> dict[str, DeclaredFinding]:
    """Read `findings`: at least one; each region that is a finding belongs to exactly one."""
    found: dict[str, DeclaredFinding] = {}
    for entry in section.sections("findings", least=1):
        finding = _read_finding(entry, outputs, measurements)
        if finding.name in found:
            raise entry.problem("name", f'another finding is named "{finding.name}"', "Rename one.")
        for other in found.values():
            shared = set(finding.regions) & set(other.regions)
            if shared:
                raise entry.problem(
                    "regions",
                    f'"{min(shared)}" belongs to the finding "{other.name}" too',
                    "A region belongs to one finding.",
                )
        found[finding.name] = finding
        entry.close()
    _refuse_homeless(section, outputs, found)
    return found


def finding_titles(findings: Mapping[str, DeclaredFinding]) -> dict[str, str]:
    """What a reader sees of each finding: its meaning, with the name where two mean the same."""
    meanings = [one.concept.meaning for one in findings.values()]
    return {
        name: meaning if meanings.count(meaning) == 1 else f"{meaning} ({name})"
        for name, meaning in zip(findings, meanings, strict=True)
    }


def _read_finding(
    entry: DeclarationTable, outputs: Outputs, measurements: Mapping[str, DeclaredMeasurement]
) -> DeclaredFinding:
    name = entry.text("name")
    if not NAME.fullmatch(name):
        raise entry.problem("name", f'"{name}" is no name', "Use small letters, digits and _.")
    regions = read_regions(entry, "regions", outputs) if entry.has("regions") else ()
    for region in regions:
        if outputs.regions[region].kind is not RegionKind.FINDING:
            raise entry.problem(
                "regions", f'"{region}" is anatomy', 'Write is = "finding" there, or leave it out.'
            )
    score = entry.text("score") if entry.has("score") else ""
    if score:
        require(entry, "score", score, outputs.study_scores, "study-score")
    carried = entry.texts("measurements") if entry.has("measurements") else ()
    for measured in carried:
        require(entry, "measurements", measured, measurements, "measurement")
    return DeclaredFinding(
        name=name,
        concept=read_code(entry.section("code")),
        site=read_optional_code(entry, "site"),
        regions=regions,
        score=score,
        measurements=carried,
        least_ml=entry.number("least_ml", 0.0, 1e5) if entry.has("least_ml") else 0.0,
    )


def _refuse_homeless(
    section: DeclarationTable, outputs: Outputs, found: Mapping[str, DeclaredFinding]
) -> None:
    """Refuse a region that is a finding and belongs to none."""
    housed = {region for one in found.values() for region in one.regions}
    for name, appearance in outputs.regions.items():
        if appearance.kind is RegionKind.FINDING and name not in housed:
            raise section.problem(
                None,
                f'the region "{name}" is a finding and belongs to none',
                "Name it in the regions of one of [[findings]], or make it anatomy.",
            )
