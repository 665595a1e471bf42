"""One self-contained HTML page: figures, tables and pictures, readable without the program.

Dark text on light ground, one column, no script, nothing fetched; pictures lie in the page itself.
Every picture carries a text that says what it shows, and every table a caption and headings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evaluation.statistics.estimate import Estimate

_TEMPLATE = "page.html"


@dataclass(frozen=True)
class ReportPicture:
    """A picture in the page.

    Attributes
    ----------
    address : a data URL, from `evaluation.report.plots` or `evaluation.report.overlay`
    text : what somebody is told who cannot see it
    """

    address: str
    text: str
    caption: str
    small: bool = False


@dataclass(frozen=True)
class ReportTable:
    """A table; the first cell of each row names it."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """A part of the page under one heading."""

    heading: str
    notes: Sequence[str] = ()
    pictures: Sequence[ReportPicture] = ()
    tables: Sequence[ReportTable] = ()
    folded: bool = False  # long tables open on a click


@dataclass(frozen=True)
class ReportFigure:
    """A figure of the report with its interval.

    Attributes
    ----------
    short : a name that a card has room for; empty for a figure that gets no card
    digits : behind the decimal point
    """

    name: str
    estimate: Estimate
    short: str = ""
    digits: int = 3

    @property
    def value(self) -> str:
        """As the page prints it."""
        return figure_text(self.estimate.value, self.digits)

    @property
    def interval(self) -> str:
        """As the page prints it."""
        return interval_text(self.estimate, self.digits)

    @property
    def place(self) -> tuple[float, float, float] | None:
        """Low end, value and high end in percent of 0…1; None for a figure that may lie beyond."""
        estimate = self.estimate
        if estimate.value is None or estimate.low is None or estimate.high is None:
            return None
        if not 0.0 <= estimate.low <= estimate.high <= 1.0:
            return None
        return 100.0 * estimate.low, 100.0 * estimate.value, 100.0 * estimate.high


@dataclass(frozen=True)
class Page:
    """A report.

    Attributes
    ----------
    facts : what was evaluated on what: bundle, digest, data
    figures : the headline figures
    """

    title: str
    facts: Sequence[tuple[str, str]]
    figures: Sequence[ReportFigure]
    sections: Sequence[Section] = field(default=())


def figure_text(value: float | None, digits: int = 3) -> str:
    """A figure as the page prints it; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def interval_text(estimate: Estimate, digits: int = 3) -> str:
    """Both ends of an interval as the page prints them."""
    if estimate.low is None or estimate.high is None:
        return "–"
    return f"{figure_text(estimate.low, digits)} to {figure_text(estimate.high, digits)}"


def render_page(page: Page) -> str:
    """The whole page as HTML."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(_TEMPLATE).render(page=page)
