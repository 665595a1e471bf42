"""The plots of the report, as SVG in data URLs.

Drawn without a display and without pyplot, so nothing is kept between calls. The same figures give
the same bytes. Colours are those of Okabe and Ito (2008), which differ for every kind of sight.
"""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from numpy.typing import NDArray

from evaluation.report.page import ReportPicture, figure_text
from evaluation.statistics.calibration import ReliabilityCurve
from evaluation.statistics.classification import f_beta_of_counts
from evaluation.statistics.confusion import Confusion
from evaluation.statistics.estimate import Estimate
from evaluation.statistics.receiver_operating import Scores, Truth, roc_curve

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#6b7280"
_STYLE = {
    "svg.hashsalt": "firstread",
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}

_ABOVE: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "ncols": 3}
"""A legend above the axes, where it hides nothing."""


def _figure() -> tuple[Figure, Any]:
    figure = Figure(figsize=(5.2, 4.2), layout="constrained")
    FigureCanvasSVG(figure)
    return figure, figure.add_subplot()


def _address(figure: Figure) -> str:
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def plot_roc(
    truth: Truth, scores: Scores, area: Estimate, point: Confusion | None
) -> ReportPicture:
    """The ROC curve, and the operating point on it where there is one."""
    curve = roc_curve(truth, scores)
    with mpl.rc_context(_STYLE):
        figure, axes = _figure()
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="chance")
        axes.plot(curve.false_positive_rate, curve.true_positive_rate, color=BLUE, linewidth=2)
        if point is not None and point.positives and point.negatives:
            x, y = point.false_positives / point.negatives, point.true_positives / point.positives
            axes.plot(x, y, "o", color=ORANGE, markersize=9, label="at the threshold")
        axes.set(xlabel="1 − specificity", ylabel="Sensitivity", xlim=(-0.02, 1), ylim=(0, 1.02))
        axes.legend(loc="lower right")
        address = _address(figure)
    text = f"ROC curve; area {figure_text(area.value)}, chance is the diagonal at 0.5."
    return ReportPicture(address, text, f"Receiver operating characteristic. Area {area}.")


def plot_calibration(found: ReliabilityCurve) -> ReportPicture:
    """The reliability curve with Wilson intervals of each bin."""
    x = [one.mean_probability for one in found.bins]
    y = [one.positive_share.value or 0.0 for one in found.bins]
    ends = [one.positive_share.interval or [0.0, 0.0] for one in found.bins]
    reach = [[v - low for v, (low, _) in zip(y, ends, strict=True)]]
    reach.append([high - v for v, (_, high) in zip(y, ends, strict=True)])
    with mpl.rc_context(_STYLE):
        figure, axes = _figure()
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="as stated")
        axes.errorbar(
            x, y, yerr=np.clip(reach, 0.0, None), fmt="o-", color=BLUE, capsize=3, linewidth=1.5
        )
        axes.set(
            xlabel="Mean probability in the bin",
            ylabel="Share that has it",
            xlim=(0, 1),
            ylim=(-0.02, 1.02),
        )
        axes.legend(loc="upper left")
        address = _address(figure)
    seen = "; ".join(
        f"said {group.mean_probability:.2f}, was {figure_text(group.positive_share.value, 2)} "
        f"of {group.count}"
        for group in found.bins
    )
    return ReportPicture(
        address,
        f"Reliability curve: {seen}.",
        f"Calibration. Expected calibration error {found.error}; "
        f"{figure_text(found.error_by_chance)} would be chance (p = {figure_text(found.p_value)}).",
    )


def plot_probabilities(truth: Truth, scores: Scores, threshold: float) -> ReportPicture:
    """Histogram of the probabilities of both classes."""
    edges = np.linspace(0.0, 1.0, 21)
    with mpl.rc_context(_STYLE):
        figure, axes = _figure()
        axes.hist(
            [scores[~truth], scores[truth]],
            bins=edges,
            stacked=True,
            color=[BLUE, ORANGE],
            label=["does not have it", "has it"],
        )
        axes.axvline(threshold, color="black", linewidth=1.2, linestyle="--", label="threshold")
        axes.set(xlabel="Probability", ylabel="Cases", xlim=(0, 1))
        axes.legend(**_ABOVE)
        address = _address(figure)
    means = (figure_text(float(scores[which].mean()), 2) for which in (truth, ~truth))
    text = "Histogram of probabilities; mean {} for those that have it, {} for the others.".format(
        *means
    )
    return ReportPicture(address, text, f"Probabilities; the threshold is {threshold:.3f}.")


def plot_thresholds(truth: Truth, scores: Scores, threshold: float) -> ReportPicture:
    """What another threshold would give."""
    at = np.linspace(0.0, 1.0, 201)
    called = scores[None, :] >= at[:, None]
    hits, alarms = (called & truth).sum(axis=1), (called & ~truth).sum(axis=1)
    positives, negatives = np.count_nonzero(truth), np.count_nonzero(~truth)
    lines = [
        ("sensitivity", hits / positives, BLUE),
        ("specificity", 1.0 - alarms / negatives, ORANGE),
        ("F2", f_beta_of_counts(hits, alarms, positives - hits, 2.0), GREY),
    ]
    with mpl.rc_context(_STYLE):
        figure, axes = _figure()
        for name, values, colour in lines:
            axes.plot(at, values, color=colour, linewidth=2, label=name)
        axes.axvline(threshold, color="black", linewidth=1.2, linestyle="--")
        axes.set(xlabel="Threshold", ylabel="Figure", xlim=(0, 1), ylim=(-0.02, 1.02))
        axes.legend(**_ABOVE)
        address = _address(figure)
    said = ", ".join(
        f"{name} {figure_text(float(np.interp(threshold, at, values)), 2)}"
        for name, values, _ in lines
    )
    return ReportPicture(
        address,
        f"Sensitivity falls and specificity rises with the threshold; at {threshold:.3f}: {said}.",
        "What another threshold would give; the dashed line is the bundle's own.",
    )


def plot_histogram(values: NDArray[np.float64], name: str, caption: str) -> ReportPicture:
    """Histogram of a figure between 0 and 1 over cases."""
    with mpl.rc_context(_STYLE):
        figure, axes = _figure()
        axes.hist(values, bins=np.linspace(0.0, 1.0, 21), color=BLUE)
        axes.axvline(
            float(np.median(values)), color=ORANGE, linewidth=2, linestyle="--", label="median"
        )
        axes.set(xlabel=name, ylabel="Slices", xlim=(0, 1))
        axes.legend(loc="upper left")
        address = _address(figure)
    quarters = ", ".join(f"{value:.2f}" for value in np.quantile(values, [0.25, 0.5, 0.75]))
    return ReportPicture(address, f"Histogram of {name}; quartiles {quarters}.", caption)


def plot_by_size(percent: NDArray[np.float64], dice: NDArray[np.float64]) -> ReportPicture:
    """Dice against how much of a slice the reference covers: small things are hard to outline."""
    drawn = percent > 0
    with mpl.rc_context(_STYLE):
        figure, axes = _figure()
        axes.scatter(percent[drawn], dice[drawn], s=28, color=BLUE, alpha=0.7, linewidths=0)
        if drawn.any():
            axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set(xlabel="Reference, % of the slice", ylabel="Dice", ylim=(-0.02, 1.02))
        address = _address(figure)
    halves = np.array_split(dice[drawn][np.argsort(percent[drawn], kind="stable")], 2)
    means = [figure_text(float(half.mean()) if half.size else None) for half in halves]
    text = f"Mean Dice {means[0]} in the half with less drawn, {means[1]} in the other."
    return ReportPicture(
        address, f"Dice against the drawn area. {text}", f"Dice by drawn area. {text}"
    )


def plot_share_by_slice(truth: Truth, shares: Scores, patient: str) -> ReportPicture:
    """Lesion share along the body, with the labelled slices marked."""
    slices = np.arange(shares.size)
    with mpl.rc_context(_STYLE):
        figure, axes = _figure()
        axes.fill_between(
            slices,
            0.0,
            max(float(shares.max()), 1.0),
            where=truth,
            step="mid",
            color=ORANGE,
            alpha=0.25,
            linewidth=0,
            label="labelled infected",
        )
        axes.step(slices, shares, where="mid", color=BLUE, linewidth=1.5, label="found")
        axes.set(xlabel="Slice, from the top of the chest", ylabel="Lesion share of lung (%)")
        axes.set(xlim=(0, shares.size - 1), ylim=(0, None))
        axes.legend(**_ABOVE)
        address = _address(figure)
    means = (float(shares[which].mean()) if which.any() else 0.0 for which in (truth, ~truth))
    text = "Lesion share by slice; mean {:.1f} % on labelled slices, {:.1f} % on others.".format(
        *means
    )
    return ReportPicture(address, text, f"{patient}: lesion share by slice.")
