"""A statement: an answer or a score with its inputs, its source and its missing inputs."""

from __future__ import annotations

from dataclasses import dataclass

from radiology.codes import Code

PlainValue = float | int | bool | str | None


@dataclass(frozen=True, slots=True)
class StatementInput:
    """One value that a statement was made from.

    Attributes
    ----------
    title : what a person reads
    value : as given; None when it was not given
    unit : as a person reads it; empty for a word or a count
    points : what it adds to a sum of points; None where nothing is summed, or not known
    met : whether it fulfils a criterion; None where there are no criteria, or not known
    """

    title: str
    value: PlainValue
    unit: str = ""
    points: int | None = None
    met: bool | None = None

    @property
    def words(self) -> str:
        """The value with its unit, as a person would say it; "not given" for one that was not."""
        if self.value is None:
            return "not given"
        if isinstance(self.value, bool):
            return "yes" if self.value else "no"
        if isinstance(self.value, int | float):
            return f"{self.value:.4g} {self.unit}".rstrip()
        return self.value.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said of a study, of a finding or of a group of measurements.

    Attributes
    ----------
    concept : what it is about: the name of a coded evaluation or of a text
    answer : a code, or a word or sentence; None where there is no answer
    name : which of several with the same concept: the name of a score
    topic : what a text about it begins with; empty for the meaning of `concept`
    certain : False where the answer is only the least that is still possible
    inputs : everything that was looked at, given or not
    missing : titles of what was not given and is asked for
    source : the publication that it follows
    note : what a reader must know: why there is no answer, what was compared, the limits
    published : what the source saw in patients with this answer; not a forecast
    """

    concept: Code
    answer: Code | str | None
    name: str = ""
    topic: str = ""
    certain: bool = True
    inputs: tuple[StatementInput, ...] = ()
    missing: tuple[str, ...] = ()
    source: str = ""
    note: str = ""
    published: str = ""
