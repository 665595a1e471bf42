"""Counts in the memory of each process, and adds them up in the database.

A process counts in memory, so that nothing waits for it and nothing fails with it, and adds what
it has counted to the rows with each of its signs of life (`database.process_signs`), and at its
end. The rows only grow: neither a restart nor the deletion of old studies makes a counter fall. A
process that is killed takes what it counted since its last sign with it: docs/decisions/0046.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from database.metrics.declared import EVERY, Metric
from database.session import Engine, transaction
from database.tables.operation.counted import Counted

_SUM: Final = "sum"
_PENDING: Final = "counted"  # in the info of a session
_Key = tuple[str, str, str]  # metric, labels, bucket

_lock = threading.Lock()
_in_memory: dict[_Key, float] = {}


@dataclass(frozen=True, slots=True)
class Series:
    """One series as it stands.

    Attributes
    ----------
    labels : values in the order of the metric's labels
    value : of a counter, how many; of a histogram, the sum in seconds
    buckets : of a histogram, how many fell into each of its buckets and above the last bound
    """

    metric: Metric
    labels: tuple[str, ...]
    value: float
    buckets: tuple[float, ...] = ()


def count(metric: Metric, by: float = 1.0, **labels: str) -> None:
    """Count something that has happened.

    Raises
    ------
    ValueError
        The labels are not those of the metric.
    """
    _add({_key(metric, labels): by})


def observe(metric: Metric, seconds: float, **labels: str) -> None:
    """Put a duration into its bucket; one below zero, by clocks that differ, counts as zero.

    Raises
    ------
    ValueError
        As for `count`.
    """
    taken = max(0.0, seconds)
    bound = next((one for one in metric.bounds if taken <= one), math.inf)
    name, text, _ = _key(metric, labels)
    _add({(name, text, _bucket(bound)): 1.0, (name, text, _SUM): taken})


def count_once_committed(session: Session, metric: Metric, by: float = 1.0, **labels: str) -> None:
    """Count what a transaction writes, when it is committed; nothing where it is rolled back."""
    session.info.setdefault(_PENDING, []).append((count, metric, by, labels))


def observe_once_committed(session: Session, metric: Metric, seconds: float, **labels: str) -> None:
    """As `count_once_committed`, of a duration."""
    session.info.setdefault(_PENDING, []).append((observe, metric, seconds, labels))


@event.listens_for(Session, "after_commit")
def _count_pending(session: Session) -> None:
    for act, metric, figure, labels in session.info.pop(_PENDING, ()):
        act(metric, figure, **labels)


def save_counts(engine: Engine) -> None:
    """Add what this process has counted to the rows, in one transaction.

    Raises
    ------
    DatabaseUnavailable
        It stays in memory, and is added the next time.
    """
    with _lock:
        taken = dict(_in_memory)
        _in_memory.clear()
    if not taken:
        return
    try:
        with transaction(engine) as session:
            for key in sorted(taken):  # in one order: two processes do not wait crosswise
                session.execute(_addition(session, key, taken[key]))
    except BaseException:
        _add(taken)
        raise


def counted_series(session: Session) -> list[Series]:
    """Every series of the rows whose metric there still is."""
    known = {metric.name: metric for metric in EVERY}
    found: dict[tuple[str, str], dict[str, float]] = {}
    rows = session.execute(
        select(Counted.metric, Counted.labels, Counted.bucket, Counted.value).order_by(
            Counted.metric, Counted.labels
        )
    )
    for metric, labels, bucket, value in rows:
        found.setdefault((metric, labels), {})[bucket] = value
    return [
        _series(known[metric], values, buckets)
        for (metric, labels), buckets in found.items()
        if metric in known and (values := _values(known[metric], json.loads(labels))) is not None
    ]


def _series(metric: Metric, labels: tuple[str, ...], values: Mapping[str, float]) -> Series:
    if not metric.bounds:
        return Series(metric, labels, values.get("", 0.0))
    bounds = (*metric.bounds, math.inf)
    buckets = tuple(values.get(_bucket(one), 0.0) for one in bounds)
    return Series(metric, labels, values.get(_SUM, 0.0), buckets)


def _values(metric: Metric, labels: Mapping[str, str]) -> tuple[str, ...] | None:
    """None: the row is of a version that counted with other labels."""
    if set(labels) != set(metric.labels):
        return None
    return tuple(labels[name] for name in metric.labels)


def _key(metric: Metric, labels: Mapping[str, str]) -> _Key:
    if set(labels) != set(metric.labels):
        raise ValueError(f"{metric.name} has the labels {', '.join(metric.labels)}")
    return metric.name, _as_text(tuple(sorted(labels.items()))), ""


@lru_cache(maxsize=1024)
def _as_text(labels: tuple[tuple[str, str], ...]) -> str:
    return json.dumps(dict(labels), ensure_ascii=False)


def _bucket(bound: float) -> str:
    return "+Inf" if math.isinf(bound) else f"{bound:g}"


def _add(figures: Mapping[_Key, float]) -> None:
    with _lock:
        for key, figure in figures.items():
            _in_memory[key] = _in_memory.get(key, 0.0) + figure


def _addition(session: Session, key: _Key, figure: float) -> Any:
    dialect = session.get_bind().dialect.name
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    columns: Iterable[str] = ("metric", "labels", "bucket")
    made = insert(Counted).values(**dict(zip(columns, key, strict=True)), value=figure)
    return made.on_conflict_do_update(
        index_elements=list(columns), set_={"value": Counted.value + made.excluded.value}
    )
