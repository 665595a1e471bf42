"""Who is let in, with the reasons of PS3.8 Table 9-21, and what is noted of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydicom.uid import CTImageStorage
from sqlalchemy import select

from database.session import Engine, open_engine, query
from database.states import AssociationEnding
from database.tables.readers.account import AuditEvent
from database.tables.study.analysis import Association
from dicom_node.association_audit import (
    APPLICATION_CONTEXT_NOT_SUPPORTED,
    CALLED_AE_TITLE_NOT_RECOGNISED,
    CALLING_AE_TITLE_NOT_RECOGNISED,
    LOCAL_LIMIT_EXCEEDED,
    TEMPORARY_CONGESTION,
    AssociationAudit,
)
from dicom_node.guard.accepted_association import AcceptedAssociation
from dicom_node.guard.association_request import AssociationFault
from dicom_node.guard.rejection import Rejection
from dicom_node.presentation_contexts import UPS_PULL
from settings.environment import Settings
from settings.peers import PeerRole
from tests.builders.stored.rows import NOON
from tests.unit.dicom_node.running_node import SCANNER


class _Association:
    """As much of an association as the audit looks at."""

    def __init__(self, calling: str = "SCANNER") -> None:
        self.calling_ae_title = calling
        self.address = "10.0.0.1"
        self.association_id: int | None = None
        self.request_fault: AssociationFault | None = None
        self.peer: Any = None
        self.certificate: Any = None
        self.is_rejected = self.is_released = self.lost = False
        self.offered: list[str] = []

    def offer(self, contexts: Iterable[Any]) -> None:
        self.offered = [str(one.abstract_syntax) for one in contexts]

    def facts(self) -> dict[str, Any]:
        called = {"calling_ae_title": self.calling_ae_title, "address": self.address}
        return {"association_id": self.association_id, **called}


def request(called: str = "FIRSTREAD", context: str = "1.2.840.10008.3.1.1.1") -> Any:
    """An A-ASSOCIATE request."""
    return SimpleNamespace(called_ae_title=called, application_context_name=context)


def decide(
    engine: Engine, association: _Association, asked: Any, *, count: int = 1, **changes: Any
) -> Rejection | None:
    """Ask the audit."""
    settings = Settings(**{"peers": (SCANNER,), "max_associations": 3, **changes})
    audit = AssociationAudit(settings, engine, lambda: NOON, lambda: count)
    return audit.admit(cast("AcceptedAssociation", association), asked)


def rows(engine: Engine) -> list[Association]:
    """What was noted."""
    with query(engine) as session:
        return list(session.scalars(select(Association)))


def test_a_known_caller_is_let_in(engine: Engine) -> None:
    """A row is opened, and the peer's rules are at hand."""
    association = _Association()
    assert decide(engine, association, request()) is None
    assert association.peer == SCANNER
    (row,) = rows(engine)
    assert (row.id, row.ending) == (association.association_id, None)
    assert (row.calling_ae_title, row.called_ae_title) == ("SCANNER", "FIRSTREAD")


@pytest.mark.parametrize(
    ("calling", "asked", "count", "expected"),
    [
        ("STRANGER", request(), 1, CALLING_AE_TITLE_NOT_RECOGNISED),
        ("SCANNER", request(called="OTHER"), 1, CALLED_AE_TITLE_NOT_RECOGNISED),
        ("STRANGER", request(called="OTHER"), 1, CALLED_AE_TITLE_NOT_RECOGNISED),
        ("SCANNER", request(context="1.2"), 1, APPLICATION_CONTEXT_NOT_SUPPORTED),
        ("SCANNER", request(), 4, LOCAL_LIMIT_EXCEEDED),
        ("STRANGER", request(), 4, CALLING_AE_TITLE_NOT_RECOGNISED),
    ],
)
def test_others_are_rejected(
    engine: Engine, calling: str, asked: Any, count: int, expected: Rejection
) -> None:
    """Each for its reason; the row says that it was rejected."""
    association = _Association(calling)
    assert decide(engine, association, asked, count=count) == expected
    (row,) = rows(engine)
    assert row.ending is AssociationEnding.REJECTED
    assert row.ended_at == NOON


def test_a_scanner_of_ports_does_not_fill_the_database(engine: Engine) -> None:
    """Whatever it calls itself; who is set up wrongly is noted all the same, once."""
    audit = AssociationAudit(Settings(peers=(SCANNER,)), engine, lambda: NOON, lambda: 1)

    def call(title: str, address: str) -> None:
        association = _Association(title)
        association.address = address
        rejection = audit.admit(cast("AcceptedAssociation", association), request())
        assert rejection == CALLING_AE_TITLE_NOT_RECOGNISED
        assert association.association_id is None

    for number in range(50):
        call(f"AE{number}", "10.0.0.9")
    for _ in range(3):
        call("CT2", "10.0.0.7")
    assert [row.calling_ae_title for row in rows(engine)] == [*(f"AE{k}" for k in range(20)), "CT2"]
    with query(engine) as session:
        noted = session.scalars(select(AuditEvent.name)).all()
    assert len(noted) == 21


def test_any_caller_when_the_settings_say_so(engine: Engine) -> None:
    """A stranger is let in without a peer's rules; the called title must be ours all the same."""
    association = _Association("STRANGER")
    assert decide(engine, association, request(), accept_any_peer=True) is None
    assert association.peer is None
    wrong = request(called="OTHER")
    rejection = decide(engine, _Association(), wrong, accept_any_peer=True)
    assert rejection == CALLED_AE_TITLE_NOT_RECOGNISED


def test_nobody_without_a_database(tmp_path: Path) -> None:
    """Nothing could be stored: the peer is told to come again, for a transient reason."""
    engine = open_engine(f"sqlite:///{tmp_path / 'absent' / 'test.sqlite'}")
    assert decide(engine, _Association(), request()) == TEMPORARY_CONGESTION
    stranger = decide(engine, _Association("STRANGER"), request())
    assert stranger == CALLING_AE_TITLE_NOT_RECOGNISED


def test_the_numbers_are_those_of_the_standard() -> None:
    """PS3.8 Table 9-21: result, source, reason."""
    assert Rejection(1, 1, 3) == CALLING_AE_TITLE_NOT_RECOGNISED
    assert Rejection(1, 1, 7) == CALLED_AE_TITLE_NOT_RECOGNISED
    assert Rejection(2, 3, 2) == LOCAL_LIMIT_EXCEEDED
    assert Rejection(2, 3, 1) == TEMPORARY_CONGESTION


@pytest.mark.parametrize(
    ("roles", "accept_any_peer", "stores", "reads"),
    [
        ({PeerRole.SOURCE}, False, True, False),
        ({PeerRole.WORKLIST_CLIENT}, False, False, True),
        ({PeerRole.SOURCE, PeerRole.WORKLIST_CLIENT}, False, True, True),
        ({PeerRole.SOURCE}, True, True, False),
        ({PeerRole.WORKLIST_CLIENT}, True, True, True),
    ],
)
def test_each_is_offered_what_its_roles_allow(
    engine: Engine, roles: set[PeerRole], accept_any_peer: bool, stores: bool, reads: bool
) -> None:
    """Storage for sources, work items for clients, and never work items for just anybody."""
    peer = SCANNER.model_copy(update={"roles": frozenset(roles)})
    association = _Association()
    decide(engine, association, request(), peers=(peer,), accept_any_peer=accept_any_peer)
    assert (CTImageStorage in association.offered) is stores
    assert (UPS_PULL in association.offered) is reads
