"""What so many studies a day need, computed from what one of them costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.scale.costs import StudyCost
from benchmarks.scale.day import HOURS, mean_slices

_DAY_S: Final = 86400.0


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a site must have, on average and in its busiest hour."""

    what: str
    unit: str
    average: float
    busiest: float


def needs_of(cost: StudyCost, *, studies: int, network_s: float) -> list[Need]:
    """What a day of so many studies takes.

    Parameters
    ----------
    cost : of one study; it is taken to grow with the number of slices
    network_s : processor seconds of the analysis that a GPU takes over, of such a study
    """
    larger = mean_slices() / cost.slices
    second, peak = studies / _DAY_S, max(HOURS) * len(HOURS) / sum(HOURS)

    def need(what: str, unit: str, of_a_study: float, *, grows: bool = True) -> Need:
        average = second * of_a_study * (larger if grows else 1.0)
        return Need(what, unit, average, average * peak)

    parts = cost.parts_s
    others_s = cost.total_s - parts["analysis"] - parts["node"]
    return [
        need("analysis, networks on processors", "cores", parts["analysis"]),
        need("analysis beside networks on GPUs", "cores", max(parts["analysis"] - network_s, 0.0)),
        need("node", "cores", parts["node"]),
        need("all other parts", "cores", others_s),
        need("images received", "MB/s", cost.received_bytes / 1e6),
        need("results and slices written", "MB/s", cost.kept_bytes / 1e6),
        need("rows written", "rows/s", sum(cost.rows.values())),
        need("jobs claimed", "a second", 1.0, grows=False),
    ]


@dataclass(frozen=True, slots=True)
class KeptBytes:
    """What lies on disk after some years of so many studies a day."""

    what: str
    days: float
    terabytes: float


def kept_of(
    cost: StudyCost,
    *,
    studies: int,
    originals_days: float,
    slices_days: float,
    database_days: float,
) -> list[KeptBytes]:
    """Bytes by what the retention keeps; the files of results are counted with the slices."""
    larger, tera = mean_slices() / cost.slices, studies / 1e12
    return [
        KeptBytes("images", originals_days, cost.received_bytes * larger * tera * originals_days),
        KeptBytes("slices and results", slices_days, cost.kept_bytes * larger * tera * slices_days),
        KeptBytes("database", database_days, cost.database_bytes * larger * tera * database_days),
    ]
