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
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import DateTime, bindparam, case, delete, literal_column, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from database.retention.removals import SPOOL
from database.session import DBAPICursor, Engine
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


def record_plain_instances(
    engine: Engine, cursor: DBAPICursor, arrivals: Sequence[Arrival], now: datetime
) -> None:
    """Make the rows of instances, all of them or none.

    Parameters
    ----------
    engine : of the database
    cursor : of a transaction of it that can be rolled back

    Raises
    ------
    NotPlain
        A study is not there yet, or an instance changes more of it than the moment; or an instance
        is there already. `record_instance` knows what to do.
    """
    if len({one.sop_instance_uid for one in arrivals}) < len(arrivals):
        raise NotPlain
    statements = _statements(engine.dialect)
    moment = statements.moment(now)
    studies: dict[_Said, int | None] = dict.fromkeys(_said(one) for one in arrivals)
    for said in sorted(studies, key=str):  # in one order: two nodes do not wait crosswise
        statements.hear[said[-1]].run(cursor, [_facts_of(said, moment)])
        found = cursor.fetchall()
        if not found:
            raise NotPlain
        studies[said] = found[0][0]
    rows = [_row(one, studies[_said(one)], moment) for one in arrivals]
    statements.insert.run(cursor, rows)
    if cursor.rowcount != len(arrivals):
        raise NotPlain
    statements.unmark.run(cursor, [{"at": one.path} for one in arrivals])


_Said = tuple[str, str, str, str, str, RequestPriority]


_ANY: Final = Arrival(
    *("",) * 7, 0, "", None, RequestPriority.ROUTINE
)  # what a row of an instance has, whichever it is


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


def _facts_of(said: _Said, moment: Any) -> dict[str, Any]:
    return {f"said_{name}": said[k] for k, name in enumerate(_STATED)} | {"now": moment}


def _row(arrival: Arrival, study_id: int | None, moment: Any) -> dict[str, Any]:
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
        "received_at": moment,
        "corrected": False,
        "instance_number": arrival.place.number,
        "position_mm": arrival.place.position_mm,
        "claimed_instances": arrival.place.claimed,
    }


class _Statement:
    """A statement that is compiled once; the driver takes it as it is."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._text = str(compiled)
        order: list[str] | None = compiled.positiontup
        self._given: Any = None  # the driver takes values by name
        if order is not None:
            self._given = itemgetter(*order) if len(order) > 1 else lambda row: (row[order[0]],)

    def run(self, cursor: DBAPICursor, rows: list[dict[str, Any]]) -> None:
        """Run it for each row of values; what it gives and changes, the cursor knows."""
        given: Any = rows if self._given is None else [self._given(row) for row in rows]
        if len(given) == 1:
            cursor.execute(self._text, given[0])
        else:
            cursor.executemany(self._text, given)


class _Statements:
    """The three, as a dialect says them."""

    def __init__(self, dialect: Dialect) -> None:
        study: Any = Study.__table__
        instance: Any = Instance.__table__
        removal: Any = FileRemoval.__table__
        self._as_stored = study.c.last_instance_at.type.bind_processor(dialect)
        insert: Any = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
        columns = _row(_ANY, 0, None)
        self.hear = {one: _Statement(_hears_of(study, one), dialect) for one in RequestPriority}
        self.insert = _Statement(
            insert(instance)
            .values({name: bindparam(name) for name in columns})
            .on_conflict_do_nothing(index_elements=["sop_instance_uid"]),
            dialect,
        )
        self.unmark = _Statement(
            delete(removal).where(
                removal.c.folder == _literally(SPOOL), removal.c.path == bindparam("at")
            ),
            dialect,
        )

    def moment(self, now: datetime) -> Any:
        """A moment as the driver takes it."""
        return now if self._as_stored is None else self._as_stored(now)


def _hears_of(study: Any, priority: RequestPriority) -> Any:
    """The row as `note_stated_patient` and `_await_assembly` would leave it, but for the moment."""
    now: Any = bindparam("now", type_=DateTime(timezone=True))
    as_urgent = MOST_URGENT_FIRST[: MOST_URGENT_FIRST.index(priority) + 1]
    return (
        update(study)
        .where(
            *(study.c[name] == bindparam(f"said_{name}") for name in _STATED),
            study.c.several_patients == _literally(""),
            study.c.state == _literally(StudyState.RECEIVED),
            study.c.worklist_rank != _literally(WorklistRank.ROUTINE),
            study.c.opened.is_(False),
            study.c.asked_for.is_(False),
            study.c.priority.in_([_literally(one) for one in as_urgent]),
        )
        .values(
            last_instance_at=case(
                (study.c.last_instance_at < now, now), else_=study.c.last_instance_at
            )
        )
        .returning(study.c.id)
    )


def _literally(word: str) -> Any:
    """A word of ours in the text of a statement, so that only what differs is given each time."""
    return literal_column(f"'{word}'")


@cache
def _statements(dialect: Dialect) -> _Statements:
    return _Statements(dialect)
