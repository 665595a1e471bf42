"""Flags as work items of a UPS-RS service."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from dicom_node.work_items.web import WebService, WorkItemWeb
from radiology.errors import PeerBusy, PeerRefused, PeerUnreachable, SettingsRefused
from radiology.urgency import Urgency
from radiology.work_item import WorkItemState
from settings.environment import Settings
from settings.flags import WorkItemWebChannel
from tests.builders.stored.notices import RAISED_AT, notice
from tests.peers.dicom.work_item_service import STATE, ServicePeer, running_service
from tests.peers.ports import free_port
from worker.flag.channel import NoticeKind
from worker.flag.work_item_web import WebWorkItem

pytestmark = pytest.mark.integration
PRIORITY = "00741200"


@pytest.fixture
def service() -> Iterator[ServicePeer]:
    """A UPS-RS service."""
    with running_service() as running:
        yield running


@pytest.fixture
def channel(service: ServicePeer, tmp_path: Path) -> Iterator[WebWorkItem]:
    """The channel to the service."""
    made = channel_to(service.url, tmp_path)
    yield made
    made.close()


def channel_to(url: str, folder: Path, **changes: object) -> WebWorkItem:
    """The channel to an address."""
    values = {"kind": "work-item-web", "name": "web", "url": url, **changes}
    return WebWorkItem(WorkItemWebChannel.model_validate(values), Settings(data_folder=folder))


def test_once_however_often_it_is_sent(channel: WebWorkItem, service: ServicePeer) -> None:
    """Created, met again, and changed when the result does."""
    first = channel.send(notice(), RAISED_AT)
    assert (first.code, first.acknowledged_by) == ("201", "")
    assert channel.send(notice(), RAISED_AT).code == "200"
    channel.send(notice(NoticeKind.RAISED_AGAIN, urgency=Urgency.SUSPECTED), RAISED_AT)
    assert list(service.work_items) == [first.reference]
    assert service.value(first.reference, PRIORITY) == "MEDIUM"
    assert service.value(first.reference, "00080018") == first.reference


def test_a_claimed_work_item_acknowledges(channel: WebWorkItem, service: ServicePeer) -> None:
    """Somebody works on it: it is left alone, and the flag has been seen."""
    reference = channel.send(notice(), RAISED_AT).reference
    service.work_items[reference][STATE] = {"vr": "CS", "Value": ["IN PROGRESS"]}
    answer = channel.send(notice(NoticeKind.RAISED_AGAIN, urgency=Urgency.SUSPECTED), RAISED_AT)
    assert (answer.code, answer.acknowledged_by) == ("409", "web")
    assert service.value(reference, PRIORITY) == "HIGH"


def test_withdrawn_and_acknowledged(channel: WebWorkItem, service: ServicePeer) -> None:
    """Withdrawn is canceled; what is final or not there needs nothing more."""
    reference = channel.send(notice(), RAISED_AT).reference
    assert channel.send(notice(NoticeKind.ACKNOWLEDGED), RAISED_AT).code == "200"
    assert "Acknowledged" in service.value(reference, "00400400")
    assert channel.send(notice(NoticeKind.WITHDRAWN), RAISED_AT).code == "202"
    assert service.value(reference, STATE) == "CANCELED"
    assert channel.send(notice(NoticeKind.WITHDRAWN), RAISED_AT).code == "409"
    assert channel.send(notice(NoticeKind.ACKNOWLEDGED), RAISED_AT).code == "409"
    service.work_items.clear()
    assert channel.send(notice(NoticeKind.WITHDRAWN), RAISED_AT).code == "404"
    assert channel.send(notice(NoticeKind.ACKNOWLEDGED), RAISED_AT).code == "404"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (503, PeerBusy),
        (429, PeerBusy),
        (400, PeerRefused),
        (401, PeerRefused),
        (404, PeerRefused),
        (307, PeerRefused),
    ],
)
def test_a_service_that_refuses(
    channel: WebWorkItem, service: ServicePeer, status: int, error: type[Exception]
) -> None:
    """What may pass is tried again; what will not is said."""
    service.answer_with = status
    with pytest.raises(error):
        channel.send(notice(), RAISED_AT)


def test_a_service_that_breaks_off_or_hangs(service: ServicePeer, tmp_path: Path) -> None:
    """The answer is lost, twice: once more, and there is one work item."""
    go_on = threading.Event()
    channel = channel_to(service.url, tmp_path, answer_s=0.5)
    service.before_answer = lambda: True
    with pytest.raises(PeerUnreachable):
        channel.send(notice(), RAISED_AT)
    service.before_answer = lambda: not go_on.wait(20)
    with pytest.raises(PeerUnreachable):
        channel.send(notice(), RAISED_AT)
    go_on.set()
    service.before_answer = lambda: False
    channel.send(notice(), RAISED_AT)
    assert len(service.work_items) == 1
    channel.close()


def test_a_service_with_uids_of_its_own(channel: WebWorkItem, service: ServicePeer) -> None:
    """It is refused, and not tried again: each attempt would make another work item."""
    service.own_uids = True
    with pytest.raises(PeerRefused, match="UID of its own"):
        channel.send(notice(), RAISED_AT)


def test_nobody_there(tmp_path: Path) -> None:
    """Nothing listens at the address."""
    with (
        closing(channel_to(f"http://127.0.0.1:{free_port()}", tmp_path)) as channel,
        pytest.raises(PeerUnreachable),
    ):
        channel.send(notice(), RAISED_AT)


def test_secrets(service: ServicePeer, tmp_path: Path) -> None:
    """A token or a password goes along; in clear it goes nowhere but to this machine."""
    secret = tmp_path / "secret"
    secret.write_text("word\n")
    with closing(channel_to(service.url, tmp_path, secret_file=secret)) as channel:
        channel.send(notice(), RAISED_AT)
    with closing(channel_to(service.url, tmp_path, secret_file=secret, user="u")) as channel:
        channel.send(notice(), RAISED_AT)
    assert service.heard[0][2] == "Bearer word"
    assert service.heard[-1][2].startswith("Basic ")
    with pytest.raises(ValidationError, match="https"):
        channel_to("http://elsewhere.example/dicom-web", tmp_path, secret_file=secret)
    with pytest.raises(SettingsRefused, match="cannot be read"):
        channel_to(service.url, tmp_path, secret_file=tmp_path / "none")


def test_claiming_as_a_client(channel: WebWorkItem, service: ServicePeer) -> None:
    """The state changes with a Transaction UID, and the service says where it stands."""
    reference = channel.send(notice(), RAISED_AT).reference
    web = WorkItemWeb(WebService(service.url, secret=SecretStr("x")), timeout_s=10)
    web.change_state(reference, WorkItemState.IN_PROGRESS, "2.25.5")
    assert web.state_of(reference).is_taken
    web.close()


def test_a_flag_that_is_raised_after_it_was_withdrawn(
    channel: WebWorkItem, service: ServicePeer
) -> None:
    """A canceled work item stays canceled: the next one is made, and it is the one to withdraw."""
    first = channel.send(notice(), RAISED_AT).reference
    channel.send(notice(NoticeKind.WITHDRAWN), RAISED_AT)
    second = channel.send(notice(), RAISED_AT).reference
    assert channel.send(notice(NoticeKind.RAISED_AGAIN), RAISED_AT).reference == second != first
    assert service.value(second, STATE) == "SCHEDULED"
    withdrawn = channel.send(notice(NoticeKind.WITHDRAWN), RAISED_AT)
    assert withdrawn.reference == second
    assert service.value(second, STATE) == "CANCELED"
