"""Who may call the node, and how an association ends."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from database.arrivals.expected import quiet_studies
from database.session import transaction
from database.states import AssociationEnding
from radiology.arrivals.whole import WaitLimits
from radiology.errors import PeerRefused, PeerUnreachable
from settings.peers import Peer
from tests.builders.dicom.upper_layer import associate_request
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.waiting import wait_until
from tests.unit.dicom_node.running_node import RunningNode, open_association_and_hold, running_node
from tests.unit.dicom_node.small_ct import small_ct, write

pytestmark = pytest.mark.integration


def test_callers_must_be_on_the_list(
    node: RunningNode, dcmtk: Dcmtk, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stranger is rejected for its calling AE title; the log says what to add to the settings."""
    known = dcmtk.echoscu(port=node.port, called_ae_title="FIRSTREAD")
    stranger = dcmtk.echoscu(
        port=node.port, called_ae_title="FIRSTREAD", calling_ae_title="STRANGER"
    )
    assert known.ok
    assert not stranger.ok
    assert "Calling AE Title Not Recognized" in stranger.output
    rows = node.ended_associations(2)
    assert rows[1].calling_ae_title == "STRANGER"
    assert rows[1].ending is AssociationEnding.REJECTED
    logged = "".join(capsys.readouterr()).replace('\\"', '"')  # in JSON quotes are escaped
    assert 'ae_title = "STRANGER" host = "127.0.0.1"' in logged


def test_the_called_title_must_be_ours(node: RunningNode, dcmtk: Dcmtk) -> None:
    """A caller that means somebody else is rejected for the called AE title."""
    asked = dcmtk.echoscu(port=node.port, called_ae_title="ELSEWHERE")
    assert not asked.ok
    assert "Called AE Title Not Recognized" in asked.output


def test_a_peer_with_a_host_must_call_from_there(tmp_path: Path, dcmtk: Dcmtk) -> None:
    """The title alone is not enough where the settings name an address."""
    elsewhere = Peer(name="scanner", ae_title="SCANNER", host="192.0.2.7")  # type: ignore[arg-type]
    with running_node(tmp_path / "node", peers=(elsewhere,)) as node:
        asked = dcmtk.echoscu(port=node.port, called_ae_title="FIRSTREAD")
        assert "Calling AE Title Not Recognized" in asked.output


def test_anybody_may_call_when_the_settings_say_so(tmp_path: Path, dcmtk: Dcmtk) -> None:
    """The demo lets every caller in."""
    with running_node(tmp_path / "node", peers=(), accept_any_peer=True) as node:
        dcmtk.echoscu(
            port=node.port, called_ae_title="FIRSTREAD", calling_ae_title="WHOEVER"
        ).check()


def test_a_released_association_makes_its_study_quiet(node: RunningNode, tmp_path: Path) -> None:
    """What assembly waits for is there: the association that carried the study was released."""
    node.send([write(small_ct(), tmp_path)])
    (row,) = node.ended_associations(1)
    assert row.ending is AssociationEnding.RELEASED
    with transaction(node.engine) as session:
        now = datetime.now(UTC)
        assert quiet_studies(session, now, WaitLimits(60.0, 0.0, 60.0))


def test_an_abort_is_noted(node: RunningNode, dcmtk: Dcmtk) -> None:
    """A peer that aborts leaves an aborted association, not an open one."""
    dcmtk.echoscu(port=node.port, called_ae_title="FIRSTREAD", options=["--abort"])
    assert node.ended_associations(1)[0].ending is AssociationEnding.ABORTED


def test_too_many_associations(tmp_path: Path, dcmtk: Dcmtk) -> None:
    """One association more than allowed is rejected for now; the others are served."""
    with running_node(tmp_path / "node", max_associations=2) as node:
        held = [open_association_and_hold(node) for _ in range(2)]
        wait_until(lambda: len(node.associations()) == 2, what="two associations")
        asked = dcmtk.echoscu(port=node.port, called_ae_title="FIRSTREAD")
        assert "Local Limit Exceeded" in asked.output
        for connection in held:
            connection.close()
        wait_until(
            lambda: dcmtk.echoscu(port=node.port, called_ae_title="FIRSTREAD").ok,
            what="room for another association",
        )


def test_a_stranger_takes_nobodys_place(tmp_path: Path) -> None:
    """Neither one that was rejected and stays, nor connections on which nothing is said."""
    with running_node(tmp_path / "node", max_associations=2) as node, ExitStack() as held:

        def stranger() -> socket.socket:
            address = ("127.0.0.1", node.port)
            connection = socket.create_connection(address, 20, source_address=("127.0.0.2", 0))
            return held.enter_context(connection)

        for title in ("A", "B", "C"):
            rejected = stranger()
            rejected.sendall(associate_request(title))
            assert rejected.recv(10, socket.MSG_WAITALL)[:1] == b"\x03"  # A-ASSOCIATE-RJ
        for _ in range(10):
            stranger()
        node.verify()


def test_an_association_left_open_is_ended(tmp_path: Path) -> None:
    """A scanner that forgets its association loses it after the idle time."""
    with running_node(tmp_path / "node", association_idle_s=0.5) as node:
        connection = open_association_and_hold(node)
        assert node.ended_associations(1)[0].ending is AssociationEnding.ABORTED
        connection.close()


def test_a_fault_in_deciding_lets_nobody_in(
    node: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the decision about a caller fails the caller stays outside."""

    def broken(*_: object) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr(node.node, "admit", broken)
    with pytest.raises(PeerUnreachable):
        node.verify()
    monkeypatch.undo()
    node.verify()


def test_rejections_are_told_to_the_administrator(node: RunningNode) -> None:
    """Our own SCU turns the rejection into what must be changed at the peer."""
    with pytest.raises(PeerRefused, match="add AE title STRANGER"):
        node.verify(calling="STRANGER")
