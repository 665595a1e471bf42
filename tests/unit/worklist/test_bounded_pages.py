"""What a page costs the database does not grow with the years, but for counts from an index.

Counted are instructions of SQLite's virtual machine (sqlite3_progress_handler): the same on every
machine, whatever else it does. No statistics are kept, as at a site, where nobody calls ANALYZE.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import event, insert, select, update

from benchmarks.worklist_rows import fill_hospital
from database.flag_states import FlagState, NoticeKind, NoticeState
from database.session import Engine, open_engine
from database.tables.readers.flag import Flag, FlagNotice
from database.tables.study.analysis import Event, Instance, Result, Study
from database.tables.study.quarantine import QuarantinedObject
from dicom_node.turned_away import ASSOCIATION_REJECTED, CONNECTION_NOT_SECURED
from radiology.urgency import Urgency
from settings.environment import Settings
from settings.flags import WebhookChannel
from settings.peers import Peer, PeerRole
from tests.builders.stored.empty_database import make_tables
from tests.unit.worklist.access.visitor import Visitor
from worklist.app import create_app

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
FEW, MANY = 200, 1000
_A_DAY = 5  # so that the last thirty days hold as many in both
_FILES_KEPT = 20  # of the newest studies; all others have gone by their age
_COUNTED = 10  # instructions between two looks


class Site:
    """Studies at the same rate for so long that there are so many, and who asks for their pages."""

    def __init__(self, folder: Path, studies: int) -> None:
        folder.mkdir()
        self.settings = Settings(
            data_folder=folder,
            database_url=SecretStr(f"sqlite:///{folder / 'years.sqlite'}"),
            peers=(_destination("pacs"), _destination("archive")),
            flags=(_channel("pager"),),
        )
        self._engine = open_engine(self.settings.database_address)
        self._instructions = 0
        event.listen(self._engine, "connect", self._watch)
        make_tables(self._engine)
        fill_hospital(self._engine, studies, days=studies // _A_DAY, now=NOW)
        _add_years(self._engine, studies)
        with self._engine.begin() as connection:
            self.newest = connection.execute(
                select(Study.study_instance_uid).order_by(Study.id.desc()).limit(1)
            ).scalar_one()

    def _watch(self, connection: Any, _record: object) -> None:
        connection.set_progress_handler(self._count, _COUNTED)

    def _count(self) -> int:
        self._instructions += _COUNTED
        return 0

    def instructions(self, address: str) -> int:
        """What a page that has just begun asks of the database for its first answer."""
        visitor = Visitor(create_app(self.settings, self._engine, clock=lambda: NOW))
        self._instructions = 0
        answer = visitor.get(address.format(newest=self.newest))
        assert answer.status_code in (200, 204, 303, 503), answer.text
        return self._instructions


def _destination(name: str) -> Peer:
    return Peer(
        name=name,
        ae_title=name.upper(),  # type: ignore[arg-type]
        host="127.0.0.1",
        port=11112,
        roles=frozenset({PeerRole.DESTINATION}),
    )


def _channel(name: str) -> WebhookChannel:
    url: Any = f"https://{name}.example.org/flags"
    return WebhookChannel(kind="webhook", name=name, url=url)


def _add_years(engine: Engine, studies: int) -> None:
    """What operation leaves beside the studies: as much of each, and most files gone."""
    with engine.begin() as connection:
        connection.execute(
            update(Study).where(Study.id <= studies - _FILES_KEPT).values(originals_removed_at=NOW)
        )
        old = Instance.study_id <= studies - _FILES_KEPT
        connection.execute(update(Instance).where(old).values(removed_at=NOW))
        connection.execute(
            update(Result)
            .where(Result.study_id <= studies - _FILES_KEPT)
            .values(slices_removed_at=NOW, files_removed_at=NOW)
        )
        results = connection.execute(select(Result.id, Result.study_id)).all()
        connection.execute(insert(Flag), [_flag(*one) for one in results])
        connection.execute(insert(FlagNotice), [_notice(one.id) for one in results])
        connection.execute(insert(Event), [_turned_away(number) for number in range(studies)])
        connection.execute(
            insert(QuarantinedObject), [_put_aside(number) for number in range(studies)]
        )


def _flag(result_id: int, study_id: int) -> dict[str, Any]:
    return {
        "id": result_id,
        "flag_uid": f"2.25.8.{result_id}",
        "token": f"token{result_id}",
        "study_id": study_id,
        "result_id": result_id,
        "urgency": Urgency.URGENT,
        "state": FlagState.ACKNOWLEDGED,
        "raised_at": NOW,
    }


def _notice(result_id: int) -> dict[str, Any]:
    return {
        "notice_uid": f"2.25.9.{result_id}",
        "flag_id": result_id,
        "result_id": result_id,
        "channel": "pager",
        "kind": NoticeKind.RAISED,
        "step": 0,
        "keeps_state": False,
        "state": NoticeState.ACCEPTED,
        "created_at": NOW,
        "due_at": NOW,
    }


def _turned_away(number: int) -> dict[str, Any]:
    return {
        "at": NOW - timedelta(minutes=number),
        "name": (ASSOCIATION_REJECTED, CONNECTION_NOT_SECURED)[number % 2],
        "facts": {"calling_ae_title": "NOBODY"},
    }


def _put_aside(number: int) -> dict[str, Any]:
    return {
        "calling_ae_title": "CT-1",
        "received_at": NOW - timedelta(minutes=number),
        "error_kind": "DataSetUnreadable",
        "reason": "The bytes are not a DICOM data set that can be read.",
        "status": 0xC000,
        "size_bytes": 100,
    }


@pytest.fixture(scope="module")
def further(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], float]:
    """Give a function that gives what each further study adds to an address."""
    folder = tmp_path_factory.mktemp("years")
    few, many = Site(folder / "few", FEW), Site(folder / "many", MANY)
    return lambda address: (many.instructions(address) - few.instructions(address)) / (MANY - FEW)


@pytest.mark.parametrize(
    ("address", "most"),
    [
        ("/", 5),  # the counts of the tabs
        ("/?opened=no", 5),
        ("/?feedback=disagreed", 5),
        ("/?q=no-such", 20),  # the identifiers of all studies: docs/benchmarks.md
        ("/?sort=-suspicion", 12),  # the values of all listed ones: the same
        ("/studies/{newest}", 1),
        ("/studies/{newest}/next", 1),
        ("/scorecard", 1),
        ("/administration", 15),  # the counts of the states; a destination that has had nothing
        ("/health", 1),
        ("/health/parts", 1),
        ("/health/page", 1),
        ("/metrics", 10),  # the counts of the states
        ("/upload", 1),
        ("/account", 1),
        ("/dicom-web/studies?PatientName=NOBODY", 25),  # whether a file of a study is here
        ("/dicom-web/studies?PatientID=NOBODY", 10),
        ("/dicom-web/studies/{newest}/series", 1),
    ],
)
def test_a_year_more_costs_little(
    further: Callable[[str], float], address: str, most: float
) -> None:
    """Ten instructions for each of 30,000 are some milliseconds; rows that are read, many more."""
    assert further(address) <= most
