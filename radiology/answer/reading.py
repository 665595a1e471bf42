"""A reading: one bundle's answer to one study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from radiology.algorithm import AlgorithmIdentity
from radiology.answer.finding import Finding, Presence
from radiology.answer.known import KnownValue
from radiology.answer.lesions import Followed, ListedLesion, PossibleFinding
from radiology.answer.measurement import Measurement, MeasurementGroup
from radiology.answer.remark import Remark
from radiology.answer.statement import Statement
from radiology.answer.table import Table
from radiology.codes import Code
from radiology.earlier import NotCompared
from radiology.image.heat_map import HeatMap
from radiology.language import Language
from radiology.outcome import GateSeverity, Outcome, QualityGate
from radiology.region import Region
from radiology.urgency import RuleSeen


@dataclass(frozen=True, slots=True)
class TranslatedTitle:
    """What a title of a bundle is called in another language."""

    language: Language
    title: str
    words: str


@dataclass(frozen=True, slots=True)
class ReportWords:
    """What a bundle's answer is called; a bundle declares it under `[report]`.

    Attributes
    ----------
    title : of what was read, as part of a sentence: "chest CT"
    procedure : Procedure Reported (TID 1500), and the service of a message (OBR-4)
    subject : what the study is triaged for, as part of a sentence: "pneumonia"
    body_region : None where `procedure` says it
    content_label : of the segmentation, as the standard writes a code string (CS)
    anatomy : singular and plural of what is segmented beside findings, wholes before their parts
    window_hu : centre and width of the window that pictures are drawn in; None for soft tissue
    body_part : Body Part Examined (PS3.16 Annex L); empty for what the source series says
    series_name : what descriptions of series name, so that those of two bundles are told apart;
        empty for none
    translated : what the bundle itself calls its titles in other languages
    """

    title: str
    procedure: Code
    subject: str
    body_region: Code | None = None
    content_label: str = "AI_FINDINGS"
    anatomy: tuple[tuple[str, str], ...] = ()
    window_hu: tuple[float, float] | None = None
    body_part: str = ""
    series_name: str = ""
    translated: tuple[TranslatedTitle, ...] = ()

    def in_language(self, title: str, language: Language) -> str:
        """What the bundle calls one of its titles; empty where it does not say."""
        return next(
            (
                one.words
                for one in self.translated
                if one.language is language and one.title == title
            ),
            "",
        )


@dataclass(frozen=True, slots=True)
class Suspicion:
    """How suspect a study is as a whole, 0 to 1; None where it could not be assessed."""

    value: float | None
    threshold: float


@dataclass(frozen=True, slots=True)
class TimePoint:
    """One study of the patient's course.

    Attributes
    ----------
    study_instance_uid : empty for the study that is read, where the reading does not know it
    acquired_at : of the images; None where the headers do not say
    order : its place in the course, from 1
    measurements : of the whole study at that time
    """

    study_instance_uid: str
    acquired_at: datetime | None
    order: int
    measurements: tuple[Measurement, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """The earlier study that changes are measured against.

    Attributes
    ----------
    reason : why only whole organs are compared; empty where parts and lesions are too
    """

    earlier: TimePoint
    now: TimePoint
    reason: str = ""


@dataclass(frozen=True)
class Reading:
    """One bundle's answer to one study.

    Attributes
    ----------
    findings : the one that decides the outcome first
    groups : in the order in which they are reported
    statements : in the order in which they are told, as texts and scores of the whole study
    gates : every quality gate that was applied, passed or not
    key_slices : index into the slices of the volume that was read, the one to show first of all
        first
    regions : on the grid of the volume that was read, anatomy before findings; only described in
        a reading that was stored
    heat_maps : by index into the slices of the volume that was read; not stored with the reading
    acquired_at : the images; None where the headers do not say
    comparison : None where nothing was compared
    summary : measurements and coded answers of the whole study that a message tells, in its order
    course : the patient's studies in the order of time, this one the last; empty for one alone
    table : the figures that pictures and pages show
    remarks : what they say beside the figures, in its order
    followed : what became of single things since `comparison.earlier`, in no order
    left_out : studies of the patient that were not compared with
    urgency_rules : every row of the table of urgency and what it saw, in the order of asking;
        empty where none was asked
    known : of the patient beside the images: what was given, then what the headers state. Both
        are there where they differ; what was given counted
    possible : what was seen below the operating point, in no other part of the reading
    lesions : one by one, in the order of their numbers; empty where none is claimed
    """

    outcome: Outcome
    algorithm: AlgorithmIdentity
    report: ReportWords
    suspicion: Suspicion | None = None
    findings: tuple[Finding, ...] = ()
    groups: tuple[MeasurementGroup, ...] = ()
    statements: tuple[Statement, ...] = ()
    gates: tuple[QualityGate, ...] = ()
    key_slices: tuple[int, ...] = ()
    regions: tuple[Region, ...] = ()
    heat_maps: Mapping[int, HeatMap] = field(
        default_factory=dict, compare=False, metadata={"stored": False}
    )
    acquired_at: datetime | None = None
    comparison: Comparison | None = None
    summary: tuple[Measurement | Statement, ...] = ()
    course: tuple[TimePoint, ...] = ()
    table: Table = field(default_factory=Table)
    remarks: tuple[Remark, ...] = ()
    followed: tuple[Followed, ...] = ()
    left_out: tuple[NotCompared, ...] = ()
    urgency_rules: tuple[RuleSeen, ...] = ()
    known: tuple[KnownValue, ...] = ()
    possible: tuple[PossibleFinding, ...] = ()
    lesions: tuple[ListedLesion, ...] = ()

    @property
    def has_findings(self) -> bool:
        """Whether the reading states findings."""
        return self.outcome is Outcome.FINDINGS

    @property
    def key_slice(self) -> int | None:
        """The slice to show first."""
        return self.key_slices[0] if self.key_slices else None

    @property
    def failed_gates(self) -> tuple[QualityGate, ...]:
        """The gates that made this reading not assessable."""
        return self._not_passed(GateSeverity.REFUSES)

    @property
    def warnings(self) -> tuple[QualityGate, ...]:
        """The gates that were not passed and leave the result standing."""
        return self._not_passed(GateSeverity.WARNS)

    @property
    def decided_by(self) -> RuleSeen | None:
        """The row of the table of urgency that decided; None where none was asked."""
        return next((one for one in self.urgency_rules if one.held), None)

    @property
    def unclaimed_regions(self) -> frozenset[str]:
        """Names of regions that belong to findings of which none is claimed.

        A region that belongs to no finding is not among them: nothing is said against it.
        """
        named = {name for one in self.findings for name in one.regions}
        claimed = {name for one in self.findings if one.presence.claimed for name in one.regions}
        return frozenset(named - claimed)

    @property
    def labels(self) -> tuple[str, ...]:
        """The finer classes of the findings that are not absent, by which studies are filtered."""
        return tuple(
            finding.label
            for finding in self.findings
            if finding.label and finding.presence is not Presence.ABSENT
        )

    def finding(self, key: str) -> Finding | None:
        """The finding of this key; None where the reading does not speak of it."""
        return next((one for one in self.findings if one.key == key), None)

    def group(self, name: str) -> MeasurementGroup | None:
        """The anchored group of this name; None where there is none."""
        return next((one for one in self.groups if one.name == name and one.anchor), None)

    def region(self, name: str) -> Region:
        """The region of this name.

        Raises
        ------
        KeyError
            There is none: a defect of what made the reading.
        """
        for region in self.regions:
            if region.name == name:
                return region
        raise KeyError(name)

    def _not_passed(self, severity: GateSeverity) -> tuple[QualityGate, ...]:
        return tuple(gate for gate in self.gates if not gate.passed and gate.severity is severity)
