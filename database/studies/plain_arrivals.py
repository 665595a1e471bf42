"""Rows for received instances that change nothing of their study but when it was last heard of.

Of the 300 instances of a study nearly all are new, of the patient that its row names, and come
while it waits to be quiet. For these three statements do for a whole group what
`database.studies.instances` does for each with the row in its hands; anything else goes there. The
first statement says what "nothing but" means, and the database decides: no row is read before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, case, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from database.retention.removals import SPOOL
from database.states import StudyState, WorklistRank
from database.studies.instances import Arrival
from database.studies.priorities import MOST_URGENT_FIRST
from database.tables.operation.retention import FileRemoval
from database.tables.study.analysis import Instance, Study
from settings.peers import RequestPriority

_STATED: Final = (
    "study_instance_uid",
    "patient_id",
    "issuer_of_patient_id",
    "accession_number",
    "patient_sex",
)


class NotPlain(Exception):
    """One of them has more to change; the transaction must be rolled back."""


def record_plain_instances(session: Session, arrivals: Sequence[Arrival], now: datetime) -> None:
    """Make the rows of instances whose bytes are durable, all of them or none.

    Raises
    ------
    NotPlain
        A study is not there yet, or an instance changes more of it than the moment; or an instance
        is there already. `record_instance` knows what to do.
    """
    if len({one.sop_instance_uid for one in arrivals}) < len(arrivals):
        raise NotPlain
    connection = session.connection()
    studies = {_said(one): 0 for one in arrivals}
    for said in sorted(studies, key=str):  # in one order: two nodes do not wait crosswise
        studies[said] = _hear_of(connection, said, now)
    made = connection.execute(
        _insert_instances(connection.dialect.name),
        [_row(one, studies[_said(one)], now) for one in arrivals],
    )
    if made.rowcount != len(arrivals):
        raise NotPlain
    connection.execute(_UNMARK, [{"at": one.path} for one in arrivals])


_Said = tuple[str, str, str, str, str, RequestPriority]


def _said(arrival: Arrival) -> _Said:
    """The study, and what the instance says of it."""
    if arrival.asked_for:
        raise NotPlain
    return (
        arrival.study_instance_uid,
        arrival.patient_id,
        arrival.issuer_of_patient_id,
        arrival.accession_number,
        arrival.patient_sex,
        arrival.priority,
    )


def _hear_of(connection: Connection, said: _Said, now: datetime) -> int:
    values: dict[str, Any] = {f"said_{name}": said[k] for k, name in enumerate(_STATED)}
    found = connection.execute(_hears_of(said[-1]), values | {"now": now}).scalar()
    if found is None:
        raise NotPlain
    return int(found)


@cache
def _hears_of(priority: RequestPriority) -> Any:
    """The row as `note_stated_patient` and `_await_assembly` would leave it, but for the moment."""
    study: Any = Study.__table__
    now: Any = bindparam("now", type_=study.c.last_instance_at.type)
    as_urgent = MOST_URGENT_FIRST[: MOST_URGENT_FIRST.index(priority) + 1]
    return (
        update(study)
        .where(
            *(study.c[name] == bindparam(f"said_{name}") for name in _STATED),
            study.c.several_patients == "",
            study.c.state == StudyState.RECEIVED,
            study.c.worklist_rank != WorklistRank.ROUTINE,
            study.c.opened.is_(False),
            study.c.asked_for.is_(False),
            study.c.priority.in_(as_urgent),
        )
        .values(
            last_instance_at=case(
                (study.c.last_instance_at < now, now), else_=study.c.last_instance_at
            )
        )
        .returning(study.c.id)
    )


@cache
def _insert_instances(dialect: str) -> Any:
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(Instance.__table__).on_conflict_do_nothing(index_elements=["sop_instance_uid"])


def _row(arrival: Arrival, study_id: int, now: datetime) -> dict[str, Any]:
    return {
        "study_id": study_id,
        "association_id": arrival.association_id,
        "series_instance_uid": arrival.series_instance_uid,
        "sop_instance_uid": arrival.sop_instance_uid,
        "sop_class_uid": arrival.sop_class_uid,
        "transfer_syntax_uid": arrival.transfer_syntax_uid,
        "path": arrival.path,
        "sha256": arrival.sha256,
        "size_bytes": arrival.size_bytes,
        "received_at": now,
    }


_REMOVALS: Final[Table] = FileRemoval.__table__  # type: ignore[assignment]
_UNMARK: Final = delete(_REMOVALS).where(
    _REMOVALS.c.folder == SPOOL, _REMOVALS.c.path == bindparam("at")
)
