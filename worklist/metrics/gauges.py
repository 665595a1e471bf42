"""What stands now, as gauges: asked of the rows, of the disk and of the settings.

Names and units by the conventions of Prometheus. How many series there are is bounded by the
settings: no label names a study, a patient, a person or an address.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.metadata import version

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family

from database.metrics.standing import (
    StandingRows,
    jobs_in_hand,
    jobs_waiting,
    open_flags,
    open_notices,
    unfinished_deliveries,
)
from database.process_signs import last_sweep, loaded_bundles
from database.retention.state import BACKUP, noted_state
from database.session import Session
from database.states import DeliveryState
from database.views.administration_rows import disk_use, queue_depths
from database.views.worklist.worklist_rows import state_counts
from radiology.urgency import Urgency
from settings.certificates.in_use import certificate_terms
from settings.environment import Settings
from settings.peers import RequestPriority
from worklist.administration.parts import part_signs
from worklist.administration.problems import find_problems

_OPEN_DELIVERIES = (
    DeliveryState.WAITING,
    DeliveryState.SENT,
    DeliveryState.REFUSED,
    DeliveryState.FAILED,
)
_OPEN_NOTICES = ("waiting", "refused", "failed")


def build_info() -> Family:
    """Which release this is."""
    labels = {"version": version("firstread")}
    return _gauge("firstread_build_info", "The release that runs; always 1.", [(labels, 1)])


def database_up(up: bool) -> Family:
    """Whether the database answers."""
    return _gauge("firstread_database_up", "Whether the database answers.", [({}, up)])


def disk_gauges(settings: Settings) -> Iterator[Family]:
    """The disk of the data folder; nothing where there is no folder yet."""
    try:
        usage = shutil.disk_usage(settings.data_folder)
    except FileNotFoundError:
        return
    for name, said, value in (
        ("size", "Size of the data folder's disk.", usage.total),
        ("free", "What is free on the data folder's disk.", usage.free),
        ("refusal", "Below so much free room studies are refused.", settings.min_free_bytes),
    ):
        yield _gauge(f"firstread_disk_{name}_bytes", said, [({}, value)])


def certificate_gauges(settings: Settings) -> Iterator[Family]:
    """Until when certificates and revocation lists last; none of a file without a term."""
    terms = certificate_terms(settings)
    yield _gauge(
        "firstread_certificate_expiry_timestamp_seconds",
        "When the first certificate of a file ends, by the setting that names the file.",
        [
            ({"setting": one.named.of}, one.ends_at.timestamp())
            for one in terms
            if one.ends_at is not None and not one.named.lists
        ],
    )
    yield _gauge(
        "firstread_revocation_list_expiry_timestamp_seconds",
        "When the first revocation list of a file ends, by the setting that names the file.",
        [
            ({"setting": one.named.of}, one.ends_at.timestamp())
            for one in terms
            if one.ends_at is not None and one.named.lists
        ],
    )


def row_gauges(session: Session, settings: Settings, now: datetime) -> Iterator[Family]:
    """What the rows say."""
    yield from _health(session, settings, now)
    yield from _jobs(session, settings, now)
    yield from _queues(session, now)
    yield from _deliveries(session, settings, now)
    yield from _flags(session, settings, now)
    yield from _parts(session, settings, now)
    yield from _folders(session)
    yield _last_backup(session)


def _health(session: Session, settings: Settings, now: datetime) -> Iterator[Family]:
    counts: dict[tuple[str, bool], int] = {}
    for one in find_problems(session, settings, now):
        counts[one.name, one.failing] = counts.get((one.name, one.failing), 0) + 1
    yield _gauge(
        "firstread_problems",
        "What /health says is wrong, by its name; a failing one stops studies.",
        [
            ({"problem": name, "failing": str(failing).lower()}, number)
            for (name, failing), number in counts.items()
        ],
    )
    yield _gauge(
        "firstread_studies",
        "Listed studies by their state.",
        [({"state": state.value}, number) for state, number in state_counts(session).items()],
    )


def _jobs(session: Session, settings: Settings, now: datetime) -> Iterator[Family]:
    labels = ("bundle", "priority")
    known = [(bundle, one.value) for bundle in settings.bundles for one in RequestPriority]
    waiting = _with_none(jobs_waiting(session), known)
    yield _numbers("firstread_jobs_waiting", "Jobs that no worker holds.", labels, waiting)
    yield _ages(
        "firstread_jobs_oldest_wait_seconds",
        "How long the oldest of the waiting jobs has waited; 0 without one.",
        labels,
        waiting,
        now,
    )
    held = _with_none(jobs_in_hand(session, now), known)
    yield _numbers("firstread_jobs_in_hand", "Jobs that a worker holds.", labels, held)


def _queues(session: Session, now: datetime) -> Iterator[Family]:
    queues = queue_depths(session, now)
    waiting = [StandingRows((one.name,), one.waiting, one.oldest) for one in queues]
    in_hand = [StandingRows((one.name,), one.in_hand) for one in queues]
    label = ("queue",)
    yield _numbers("firstread_queue_waiting", "Rows of a queue that wait.", label, waiting)
    yield _numbers("firstread_queue_in_hand", "Rows of a queue in hand.", label, in_hand)
    yield _ages(
        "firstread_queue_oldest_wait_seconds",
        "How long the oldest row of a queue has waited; 0 without one.",
        label,
        waiting,
        now,
    )


def _deliveries(session: Session, settings: Settings, now: datetime) -> Iterator[Family]:
    labels = ("destination", "state")
    known = [
        (peer.name, state.value) for peer in settings.destinations for state in _OPEN_DELIVERIES
    ]
    found = _with_none(unfinished_deliveries(session), known)
    yield _numbers("firstread_deliveries", "Deliveries that have not ended well.", labels, found)
    yield _ages(
        "firstread_deliveries_oldest_seconds",
        "How old the oldest result of such deliveries is; 0 without one.",
        labels,
        found,
        now,
    )


def _flags(session: Session, settings: Settings, now: datetime) -> Iterator[Family]:
    label = ("urgency",)
    flags = _with_none(open_flags(session), [(one.value,) for one in Urgency])
    yield _numbers("firstread_flags_open", "Flags that nobody acknowledged.", label, flags)
    yield _ages(
        "firstread_flags_oldest_open_seconds",
        "How long the oldest open flag has been open; 0 without one.",
        label,
        flags,
        now,
    )
    labels = ("channel", "state")
    known = [(one.name, state) for one in settings.flags for state in _OPEN_NOTICES]
    notices = _with_none(open_notices(session), known)
    yield _numbers(
        "firstread_flag_notices", "Notices that their channel has not taken.", labels, notices
    )
    yield _ages(
        "firstread_flag_notices_oldest_wait_seconds",
        "How long the oldest waiting notice of a channel has waited; 0 without one.",
        labels,
        notices,
        now,
    )


def _parts(session: Session, settings: Settings, now: datetime) -> Iterator[Family]:
    parts = part_signs(session, settings, now)
    yield _gauge(
        "firstread_processes",
        "Processes of a part that have given a sign of life within 30 seconds.",
        [({"part": one.part}, one.processes) for one in parts],
    )
    yield _gauge(
        "firstread_process_last_sign_timestamp_seconds",
        "When a process of a part last gave a sign of life.",
        [
            ({"part": one.part}, now.timestamp() - one.last_sign_s)
            for one in parts
            if one.last_sign_s is not None
        ],
    )
    swept = last_sweep(session)
    yield _gauge(
        "firstread_last_sweep_timestamp_seconds",
        "When a sweep last came to its end, within some seconds; 0 before the first.",
        [({}, swept.timestamp() if swept else 0)],
    )
    loaded: dict[tuple[str, str], int] = {}
    for bundle in loaded_bundles(session, now):
        key = (bundle.bundle, bundle.version)
        loaded[key] = loaded.get(key, 0) + bundle.memory_bytes
    yield _gauge(
        "firstread_bundle_memory_bytes",
        "What a bundle takes in all processes that keep it loaded.",
        [({"bundle": name, "version": held}, size) for (name, held), size in loaded.items()],
    )


def _folders(session: Session) -> Iterator[Family]:
    counted = disk_use(session)
    yield _gauge(
        "firstread_folder_size_bytes",
        "What a folder of the data folder holds, counted from the rows every ten minutes.",
        [({"folder": one.folder}, one.size_bytes) for one in counted],
    )
    yield _gauge(
        "firstread_folder_files",
        "How many files a folder of the data folder holds.",
        [({"folder": one.folder}, one.files) for one in counted],
    )


def _last_backup(session: Session) -> Family:
    noted = noted_state(session, BACKUP)
    return _gauge(
        "firstread_last_backup_timestamp_seconds",
        "When 'firstread backup' last came to its end; 0 before the first.",
        [({}, noted.noted_at.timestamp() if noted else 0)],
    )


def _with_none(
    standing: Iterable[StandingRows], known: Iterable[tuple[str, ...]]
) -> list[StandingRows]:
    """With a zero where nothing stands at what the settings name: a rule sees that it ended."""
    found = {one.labels: one for one in standing}
    return [*(found.pop(one, StandingRows(one, 0)) for one in known), *found.values()]


def _numbers(
    name: str, said: str, labels: tuple[str, ...], standing: Iterable[StandingRows]
) -> Family:
    samples = [(dict(zip(labels, one.labels, strict=True)), one.number) for one in standing]
    return _gauge(name, said, samples)


def _ages(
    name: str, said: str, labels: tuple[str, ...], standing: Iterable[StandingRows], now: datetime
) -> Family:
    samples = [(dict(zip(labels, one.labels, strict=True)), _age_s(one, now)) for one in standing]
    return _gauge(name, said, samples)


def _age_s(standing: StandingRows, now: datetime) -> float:
    return max(0.0, (now - standing.oldest).total_seconds()) if standing.oldest else 0.0


def _gauge(name: str, said: str, samples: Iterable[tuple[dict[str, str], float]]) -> Family:
    family = GaugeMetricFamily(name, said)
    for labels, value in samples:
        family.add_sample(name, labels, float(value))
    return family
