"""The answer of every severity rule: a value or a class, its inputs, and what is missing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from radiology.answer.statement import PlainValue

NOT_COMPUTED = "not computed"


@dataclass(frozen=True, slots=True)
class Input:
    """One value that a rule looked at.

    Attributes
    ----------
    name : the field that it came from, as in `ClinicalValues`, or the lobe or lung
    value : as given; None when it was not given
    unit : UCUM where there is one; empty for a word or a count
    points : what it adds to a sum of points; None where the rule does not sum, or not known
    met : whether it fulfils a criterion; None where the rule has no criteria, or not known
    """

    name: str
    value: PlainValue
    unit: str = ""
    points: int | None = None
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """The answer of one rule for one patient.

    A rule that lacks an input has neither a value nor, as a rule, a grade. The exceptions are
    certain: a grade that no missing value could change, and `at_least`, the lowest class that is
    still possible.

    Attributes
    ----------
    value : the sum, the grade as a number, or a percentage; None when it was not computed.
        Where there is a value, nothing that it needs is missing.
    grade : the class or risk group; None when not certain or when the source has no groups
    at_least : the lowest class still possible, where the class itself is not certain
    inputs : everything that the rule looked at, given or not
    missing : names of the inputs that were not given and that the rule asks for
    note : what a reader must know: why it was not computed, what was compared, the limits
    unit : of `value`: "points", "%", or empty where the value only numbers the grades
    published_outcome : what the source saw in patients of this grade; not a forecast
    """

    name: str
    source: str
    value: float | int | None = None
    grade: str | None = None
    at_least: str | None = None
    inputs: tuple[Input, ...] = ()
    missing: tuple[str, ...] = ()
    note: str = ""
    unit: str = ""
    published_outcome: str | None = None

    @property
    def computed(self) -> bool:
        """Whether the rule gave a value or a class that is certain."""
        return self.value is not None or self.grade is not None

    @property
    def label(self) -> str:
        """The answer in a word or two: "high (12 points)", "at least severe", "not computed"."""
        if self.at_least is not None:
            return f"at least {self.at_least}"
        unit = "point" if (self.value, self.unit) == (1, "points") else self.unit
        value = "" if self.value is None or not unit else f"{self.value:.3g} {unit}"
        if self.grade is None:
            return value or NOT_COMPUTED
        return f"{self.grade} ({value})" if value else self.grade

    def facts(self) -> dict[str, Any]:
        """Everything as plain values for the result row and JSON."""
        plain = asdict(self)
        plain["inputs"] = [asdict(one) for one in self.inputs]
        plain["missing"] = list(self.missing)
        return {**plain, "computed": self.computed, "label": self.label}
