"""What was learnt of each sender's way of sending: one row for a sender, of a fixed size."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from database.states import AssociationEnding
from database.tables.study.analysis import Association
from database.tables.study.rhythm import SenderRhythm
from radiology.arrivals.lesson import CameImage, learn
from radiology.arrivals.rhythm import Rhythm

_MOST_SENDERS: Final = 500  # any peer may call itself anything: the one unheard of longest goes


def known_rhythm(session: Session, calling_ae_title: str) -> Rhythm:
    """What is known of a sender; an empty rhythm of a stranger.

    What another version of Firstread has stored in another form is learnt anew.
    """
    row = session.get(SenderRhythm, calling_ae_title)
    if row is None:
        return Rhythm()
    try:
        return Rhythm.from_facts(row.learnt)
    except ValueError:
        return Rhythm()


def learn_rhythm(
    session: Session,
    calling_ae_title: str,
    images: Sequence[CameImage],
    longest_s: float,
    now: datetime,
) -> None:
    """Learn from a study that is about to be assembled, in the caller's transaction.

    Parameters
    ----------
    images : all of the study
    longest_s : the longest wait of the settings, seconds
    """
    keys = {one.association for one in images if one.association is not None}
    releases = session.execute(
        select(Association.id, Association.ended_at).where(
            Association.id.in_(keys), Association.ending == AssociationEnding.RELEASED
        )
    )
    released_at = {key: None if at is None else at.timestamp() for key, at in releases}
    rhythm = learn(known_rhythm(session, calling_ae_title), images, released_at, longest_s)
    values = {"learnt": rhythm.facts(), "changed_at": now}
    session.execute(
        _insert(session)(SenderRhythm)
        .values(calling_ae_title=calling_ae_title, **values)
        .on_conflict_do_update(index_elements=["calling_ae_title"], set_=values)
    )
    latest = (
        select(SenderRhythm.calling_ae_title)
        .order_by(SenderRhythm.changed_at.desc(), SenderRhythm.calling_ae_title)
        .offset(_MOST_SENDERS)
    )
    forgotten = session.scalars(latest).all()
    if forgotten:
        session.execute(delete(SenderRhythm).where(SenderRhythm.calling_ae_title.in_(forgotten)))


def _insert(session: Session) -> Any:
    # Only the dialects' own INSERT knows ON CONFLICT
    return postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
