"""Makes what a scrape gets: the counters of all processes, and what stands now.

It is kept for some seconds, so that however many scrape, and however often, the database is asked
once in that time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from database.metrics.counted import Series, counted_series
from database.metrics.declared import (
    ASSOCIATIONS_ENDED,
    ATTEMPTS,
    DELIVERIES_ENDED,
    EVERY,
    INSTANCES_RECEIVED,
    LEASES_LOST,
    NOTICES_ENDED,
    Metric,
)
from database.session import Engine, query
from radiology.errors import DatabaseUnavailable
from settings.environment import Settings
from worklist.metrics.gauges import (
    build_info,
    certificate_gauges,
    database_up,
    disk_gauges,
    row_gauges,
)

_KEPT_S = 5.0
_QUEUES = (
    *(
        "jobs",
        "first looks",
        "deliveries",
        "notices",
        "inquiries",
        "requests",
        "reports",
        "uploads",
    ),
)
_ENDINGS = ("done", "again", "refused", "failed", "defect", "lease_lost")


class Scrapes:
    """Answers scrapes.

    Parameters
    ----------
    seconds : a clock that only goes forward
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        clock: Callable[[], datetime],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._clock = clock
        self._seconds = seconds
        self._lock = threading.Lock()
        self._families: list[Family] = []
        self._kept_until = float("-inf")

    def text(self, accept: str) -> tuple[bytes, str]:
        """What a scraper gets, and its media type, by what the scraper says that it takes."""
        encode, kind = choose_encoder(accept)
        registry = CollectorRegistry()
        registry.register(_Kept(self._current()))
        return encode(registry), kind

    def _current(self) -> list[Family]:
        with self._lock:  # whoever comes meanwhile waits for the same answer
            if self._seconds() >= self._kept_until:
                self._families = list(self._asked())
                self._kept_until = self._seconds() + _KEPT_S
            return self._families

    def _asked(self) -> Iterator[Family]:
        yield build_info()
        yield from disk_gauges(self._settings)
        yield from certificate_gauges(self._settings)
        try:
            with query(self._engine) as session:
                of_rows = list(row_gauges(session, self._settings, self._clock()))
                counted = counted_series(session)
        except DatabaseUnavailable:
            yield database_up(False)
            return
        yield database_up(True)
        yield from of_rows
        yield from counter_families(counted, self._settings)


def counter_families(counted: Iterable[Series], settings: Settings) -> Iterator[Family]:
    """Counters and histograms as families, those too of which nothing was counted yet."""
    found: dict[str, dict[tuple[str, ...], Series]] = {metric.name: {} for metric in EVERY}
    for metric, labels in _expected(settings):
        found[metric.name][labels] = Series(metric, labels, 0.0)
    for one in counted:
        found[one.metric.name][one.labels] = one
    for metric in EVERY:
        yield _family(metric, found[metric.name].values())


def _expected(settings: Settings) -> Iterator[tuple[Metric, tuple[str, ...]]]:
    """Series that begin at zero, so that a rule sees the first of them happen."""
    for peer in settings.sources:
        yield INSTANCES_RECEIVED, (peer.name, "new")
    for ending in ("released", "aborted", "lost"):
        yield ASSOCIATIONS_ENDED, (ending,)
    for queue in _QUEUES:
        yield LEASES_LOST, (queue,)
        for ending in _ENDINGS:
            yield ATTEMPTS, (queue, ending)
    for peer in settings.destinations:
        for state in ("committed" if peer.storage_commitment else "delivered", "refused", "failed"):
            yield DELIVERIES_ENDED, (peer.name, "result", state)
    for channel in settings.flags:
        for state in ("accepted", "refused", "failed"):
            yield NOTICES_ENDED, (channel.name, "raised", state)


def _family(metric: Metric, series: Iterable[Series]) -> Family:
    if not metric.bounds:
        counter = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
        for one in series:
            counter.add_metric(one.labels, one.value)
        return counter
    histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    for one in series:
        histogram.add_metric(one.labels, _cumulated(metric, one), sum_value=one.value)
    return histogram


def _cumulated(metric: Metric, series: Series) -> list[tuple[str, float]]:
    """Each bucket with all that fell below it, as Prometheus has them."""
    names = [*(f"{bound:g}" for bound in metric.bounds), "+Inf"]
    total, buckets = 0.0, []
    for name, number in zip(names, series.buckets, strict=True):
        total += number
        buckets.append((name, total))
    return buckets


class _Kept(Collector):
    """Families that were made before."""

    def __init__(self, families: list[Family]) -> None:
        self._families = families

    def collect(self) -> list[Family]:
        return self._families
