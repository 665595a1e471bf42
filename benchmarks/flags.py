"""Measures how soon after its last C-STORE response a study is flagged, also behind twenty others.

The second part is measured with first looks, and first in, first out, for comparison.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from pydicom import dcmread
from rich.console import Console

from benchmarks.flag_receiver import FlagReceiver, running_flag_receiver
from database.events import EventRow, events_after
from database.session import query
from firstread.demo.stage import SCANNER_AE_TITLE, Ports, Stage, set_up_stage
from firstread.send import send_folder
from phantom import make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from phantom.lesions import EXTENSIVE_LESIONS, Lesion
from phantom.study import write_phantom_study
from settings.served_process import ServedProcess
from tests.peers.dicom.work_item_manager import ManagerPeer, running_manager
from tests.peers.hl7_listener import ReceivedMessages, hl7_listener

Moments = dict[str, datetime]
Channel = Callable[[Stage, str], datetime | None]
"""When one way of hearing of a study has heard of it; None before. More ways may be added."""

_LIMIT_S = 900.0
_POLL_S = 0.02
FIRST_IN_FIRST_OUT = {"FIRST_LOOK": "false", "WAIT_HIGH_S": "3600", "WAIT_LOW_S": "3600"}


def measure_flag_latency(
    console: Console, folder: Path, study: Path, more: Mapping[str, str]
) -> dict[str, float]:
    """Seconds from the last C-STORE response of a study to each way of hearing of it."""
    with _receivers() as told, _stage(console, folder, told, more) as stage:
        warm = folder / "warm-up"
        _phantom(warm, salt="warm-up", lesions=EXTENSIVE_LESIONS, slices=40)
        _hear(stage, _send(stage, warm), _channels(told))  # what is loaded once is not counted
        uid = _send(stage, study)
        answered = datetime.now(UTC)
        moments = _hear(stage, uid, _channels(told))
    seconds = {name: (at - answered).total_seconds() for name, at in moments.items()}
    console.print({name: f"{value:.2f} s" for name, value in seconds.items()})
    return seconds


def measure_order(
    console: Console, folder: Path, routine: int, more: Mapping[str, str]
) -> dict[str, float]:
    """An urgent study without priority behind others: how long its flag takes, in seconds."""
    with _receivers() as told, _stage(console, folder, told, more) as stage:
        worker = stage.supervisor.pid(ServedProcess.ANALYSIS)
        os.kill(worker, signal.SIGSTOP)
        for number in range(routine + 1):
            is_last = number == routine
            study = folder / "studies" / str(number)
            _phantom(study, str(number), EXTENSIVE_LESIONS if is_last else (), slices=40)
            uid = _send(stage, study)
        stage.wait(lambda: len(_events(stage, "queued")) == routine + 1, _LIMIT_S)
        began = datetime.now(UTC)
        os.kill(worker, signal.SIGCONT)
        moments = _hear(stage, uid, _channels(told))
        before = len([one for one in _events(stage, "encoded") if one.study_instance_uid != uid])
        jobs = _job_seconds(stage)
        looks = [float(one.facts["seconds"]) for one in _events(stage, "first_look")]
    seconds = {
        **{name: (at - began).total_seconds() for name, at in moments.items()},
        "one_job": statistics.median(jobs),
        "all_looks": sum(looks),
        "others_before_it": float(before),
    }
    console.print({name: f"{value:.2f}" for name, value in seconds.items()})
    return seconds


@dataclass(frozen=True)
class _Receivers:
    """Those who are told of an urgent study: three systems that are not ours, or made apart."""

    webhook: FlagReceiver
    hl7: ReceivedMessages
    manager: ManagerPeer

    @property
    def settings(self) -> str:
        """The channels to them."""
        ways: tuple[dict[str, object], ...] = (
            {"kind": "webhook", "name": "receiver", "url": self.webhook.url},
            {"kind": "hl7", "name": "ris", "host": "127.0.0.1", "port": self.hl7.port},
            {"kind": "work-item", "name": "manager", "peer": self.manager.as_peer.name},
        )
        return json.dumps([{**way, "from_urgency": "suspected"} for way in ways])


@contextlib.contextmanager
def _receivers() -> Iterator[_Receivers]:
    with running_flag_receiver() as webhook, hl7_listener() as hl7, running_manager() as manager:
        yield _Receivers(webhook, hl7, manager)


def _channels(told: _Receivers) -> dict[str, Channel]:
    return {
        "result": _is_stored,
        "page": _at_the_page,
        "webhook": lambda _stage, uid: told.webhook.heard.get(uid),
        "oru": lambda _stage, uid: _now_if(any(uid in one for one in told.hl7.texts)),
        "work_item": lambda _stage, uid: _now_if(_is_an_item(told.manager, uid)),
    }


def _now_if(heard: bool) -> datetime | None:
    """What has no clock of its own is looked at fifty times a second."""
    return datetime.now(UTC) if heard else None


def _is_an_item(manager: ManagerPeer, uid: str) -> bool:
    with manager.lock:
        return any(uid in str(item) for item in manager.work_items.values())


def _is_stored(stage: Stage, uid: str) -> datetime | None:
    """When the result was committed, and its flag with it."""
    stored = [one.at for one in _events(stage, "encoded") if one.study_instance_uid == uid]
    return stored[0] if stored else None


def _at_the_page(stage: Stage, uid: str) -> datetime | None:
    """When the study's page shows an open flag."""
    answer = httpx.get(f"{stage.page}studies/{uid}", timeout=10)
    return datetime.now(UTC) if 'id="acknowledge"' in answer.text else None


def _hear(stage: Stage, uid: str, channels: Mapping[str, Channel]) -> Moments:
    """Wait until every way has heard of a study."""
    moments: Moments = {}

    def all_heard() -> bool:
        for name, channel in channels.items():
            if name not in moments and (at := channel(stage, uid)) is not None:
                moments[name] = at
        return len(moments) == len(channels)

    stage.wait(all_heard, _LIMIT_S, poll_s=_POLL_S)
    return moments


def _events(stage: Stage, name: str) -> list[EventRow]:
    with query(stage.engine) as session:
        return [one for one in events_after(session, 0) if one.name == name]


def _job_seconds(stage: Stage) -> list[float]:
    began = {one.study_id: one.at for one in _events(stage, "claimed")}
    return [
        (event.at - began[event.study_id]).total_seconds()
        for event in _events(stage, "encoded")
        if event.study_id in began
    ]


def _send(stage: Stage, study: Path) -> str:
    send_folder(
        study,
        host="127.0.0.1",
        port=stage.settings.dicom_port,
        called_ae_title=stage.settings.ae_title,
        calling_ae_title=SCANNER_AE_TITLE,
    )
    first = next(path for path in sorted(study.iterdir()) if path.is_file())
    return str(dcmread(first, specific_tags=["StudyInstanceUID"]).StudyInstanceUID)


def _phantom(folder: Path, salt: str, lesions: tuple[Lesion, ...], slices: int) -> None:
    grid = phantom_grid((slices, 256, 256), (300.0 / slices, 1.4, 1.4))
    phantom = make_phantom(grid=grid, lesions=lesions)
    write_phantom_study(phantom, folder, identity=StudyIdentity.of(phantom, salt=salt))


def _stage(
    console: Console, folder: Path, told: _Receivers, more: Mapping[str, str]
) -> contextlib.AbstractContextManager[Stage]:
    said = {"FLAGS": told.settings, **more}
    return set_up_stage(
        folder,
        Ports(),
        say=console.print,
        more_settings={f"FIRSTREAD_{name}": value for name, value in said.items()},
        more_peers=(told.manager.as_peer,),
    )


@contextlib.contextmanager
def servers_of_size(folder: Path, *, hospital: bool) -> Iterator[dict[str, str]]:
    """The settings of a size; at hospital size with servers of its own."""
    if not hospital:
        yield {}
        return
    from tests.peers.postgres import start_postgres
    from tests.peers.redis import start_redis

    folder.mkdir(parents=True, exist_ok=True)
    postgres, redis = start_postgres(), start_redis(folder)
    try:
        yield {"DATABASE_URL": postgres.new_database(), "BROKER_URL": redis.url}
    finally:
        redis.stop()
        postgres.stop()


def measure_flags(
    console: Console,
    folder: Path,
    *,
    study: Path | None,
    routine: int,
    hospital: bool,
    skip: str | None,
) -> dict[str, Any]:
    """Measure both, in one size.

    Parameters
    ----------
    study : folder of one chest CT, whose way to each receiver is timed; None: a phantom
    routine : studies before the urgent one
    hospital : with PostgreSQL and Redis, started for it
    skip : "latency" or "order", which is not measured
    """
    folder = folder.resolve()
    measured: dict[str, Any] = {"size": "hospital" if hospital else "embedded"}
    servers = folder.with_name("servers")
    if study is None and skip != "latency":
        study = folder.with_name("flags-study")
        _phantom(study, "study", EXTENSIVE_LESIONS, slices=120)
    if study is not None and skip != "latency":
        with servers_of_size(servers, hospital=hospital) as size:
            measured["latency"] = measure_flag_latency(console, folder, study, size)
    if skip != "order":
        for name, settings in (("first_look", {}), ("first_in_first_out", FIRST_IN_FIRST_OUT)):
            with servers_of_size(servers, hospital=hospital) as size:
                more = {**size, **settings}
                measured[name] = measure_order(console, folder, routine, more)
    return measured
