"""Messages as files, written and read by many processes at once."""

from __future__ import annotations

import logging
import multiprocessing
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection, Queue
from structlog.testing import capture_logs

from settings.environment import Settings
from worker import message_files
from worker.celery_app import ANALYSIS, QUEUES, make_app
from worker.message_files import FileChannel, Transport
from worker.watched_folder import WatchedFolder

TRANSPORT = "worker.message_files:Transport"
WRITERS, READERS, MESSAGES = 3, 3, 300
EXCHANGES = [f"exchange{number}" for number in range(40)]
_END = -1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A broker's folder, empty."""
    for name in ("messages", "control"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def processes() -> Iterator[ProcessPoolExecutor]:
    """As many processes as write and read; each begins anew, as ours do."""
    anew = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WRITERS + READERS, mp_context=anew) as pool:
        yield pool


def test_the_embedded_size_warns_of_no_host_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A broker of files has no host; each process would say so in the log at its start."""
    app = make_app(Settings(data_folder=tmp_path))
    with caplog.at_level(logging.WARNING), app.connection_for_write() as connection:
        connection.default_channel.queue_declare(queue=ANALYSIS)  # type: ignore[attr-defined]
        assert connection.hostname == "localhost"
    assert caplog.messages == []


def _connection(folder: Path) -> Connection:
    messages = str(folder / "messages")
    options = {
        "data_folder_in": messages,
        "data_folder_out": messages,
        "control_folder": str(folder / "control"),
        "polling_interval": 0.001,
    }
    return Connection("filesystem://", transport=TRANSPORT, transport_options=options)


def _write(folder: Path, first: int, count: int = MESSAGES) -> None:
    with _connection(folder) as connection, connection.SimpleQueue(ANALYSIS) as queue:
        for number in range(first, first + count):
            queue.put(number)


def _read(folder: Path) -> list[int]:
    """Take messages until one says that it was the last."""
    found: list[int] = []
    with _connection(folder) as connection, connection.SimpleQueue(ANALYSIS) as queue:
        while True:
            message = queue.get(timeout=60)
            message.ack()
            if message.payload == _END:
                return found
            found.append(message.payload)


def _bind(folder: Path, queue: str, together: threading.Barrier) -> None:
    with _connection(folder) as connection:
        for exchange in EXCHANGES:
            together.wait(timeout=60)
            bound = Queue(queue, exchange=exchange, routing_key=queue)
            bound.bind(connection.default_channel).declare()


def test_every_message_is_read_once_and_whole(folder: Path, processes: ProcessPoolExecutor) -> None:
    """Writers and readers in their own processes: none fails, nothing is lost or read twice."""
    reading = [processes.submit(_read, folder) for _ in range(READERS)]
    writing = [processes.submit(_write, folder, MESSAGES * one) for one in range(WRITERS)]
    for one in writing:
        one.result()
    for _ in range(READERS):
        _write(folder, _END, 1)
    found = [number for one in reading for number in one.result()]
    assert sorted(found) == list(range(MESSAGES * WRITERS))
    assert list((folder / "messages").iterdir()) == []


def test_every_binding_is_kept(folder: Path, processes: ProcessPoolExecutor) -> None:
    """Queues that are bound at one moment, as when all parts start, are all in the table."""
    with multiprocessing.get_context("spawn").Manager() as manager:
        together = manager.Barrier(len(QUEUES))
        for bound in [processes.submit(_bind, folder, queue, together) for queue in QUEUES]:
            bound.result()
    with _connection(folder) as connection:
        for exchange in EXCHANGES:
            table = connection.default_channel.get_table(exchange)
            assert sorted(binding.queue for binding in table) == sorted(QUEUES)


def test_files_that_are_not_messages_are_not_counted_nor_read(folder: Path) -> None:
    """What a killed writer or reader left behind wakes nobody, and looks like no wake-up."""
    with _connection(folder) as connection:
        channel = connection.default_channel
        assert isinstance(channel, FileChannel)
        queue = Queue(ANALYSIS, routing_key=ANALYSIS).bind(channel)
        for ending in ("part", "taken"):
            (folder / "messages" / f"1_1.{ANALYSIS}.msg.{ending}").write_text("{")
        assert queue.queue_declare().message_count == 0
        assert queue.get(no_ack=True) is None


def test_a_message_that_is_cut_off_is_passed_over(
    folder: Path, processes: ProcessPoolExecutor
) -> None:
    """A power cut may leave an empty file: it is dropped with a warning, the next one is read."""
    # First of all names: kombu's begin with the machine's uptime, and "1_" would come after "13…".
    (folder / "messages" / f"0_1.{ANALYSIS}.msg").touch()
    processes.submit(_write, folder, 7, 1).result()
    with (
        capture_logs() as events,
        _connection(folder) as connection,
        connection.SimpleQueue(ANALYSIS) as queue,
    ):
        message = queue.get(timeout=60)
        message.ack()
        assert message.payload == 7
    assert [event["event"] for event in events] == ["message_unreadable"]
    assert list((folder / "messages").iterdir()) == []


def _put(folder: Path, number: int) -> None:
    """As `_write`, in this process: past exchanges, whose bindings kombu knows for all folders."""
    with _connection(folder) as connection:
        connection.Producer().publish(number, exchange="", routing_key=ANALYSIS)


class Looks(FileChannel):
    """Counts how often the folder is looked into."""

    count = 0

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        Looks.count += 1
        return super()._get(queue, timeout)


def test_a_folder_that_does_not_change_is_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look or two, and the next when a message has come, which is delivered at once."""
    monkeypatch.setattr(Transport, "Channel", Looks)
    monkeypatch.setattr(Looks, "count", 0)
    with _connection(folder) as connection, connection.SimpleQueue(ANALYSIS) as queue:
        with pytest.raises(queue.Empty):
            queue.get(timeout=0.5)
        assert Looks.count <= 2  # as it begins, and before it says that nothing came
        putting = threading.Timer(0.2, _put, (folder, 7))
        putting.start()
        began = time.monotonic()
        message = queue.get(timeout=20)
        assert time.monotonic() - began < 10
        assert message.payload == 7
        message.ack()
        putting.join()


def test_what_came_while_the_worker_was_busy_is_taken_when_it_is_done(folder: Path) -> None:
    """It may take one message at a time; nothing in the folder changes when it is done."""
    taken: list[int] = []
    messages: list[Any] = []
    _put(folder, 1)
    _put(folder, 2)

    def receive(body: int, message: Any) -> None:
        taken.append(body)
        messages.append(message)

    with _connection(folder) as connection:
        consumer = connection.Consumer(Queue(ANALYSIS, routing_key=ANALYSIS))
        consumer.register_callback(receive)
        consumer.qos(prefetch_count=1)
        with consumer:
            connection.drain_events(timeout=20)
            threading.Timer(0.3, lambda: messages[0].ack()).start()
            began = time.monotonic()
            connection.drain_events(timeout=20)
            assert time.monotonic() - began < 10
            messages[1].ack()
    assert sorted(taken) == [1, 2]  # two of one millisecond have no order


def test_where_no_folder_can_be_watched_it_is_looked_into(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with more programs than the system lets watch: a warning, and messages come as before."""

    def no_more(_folder: Path) -> WatchedFolder:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(message_files, "WatchedFolder", no_more)
    with (
        capture_logs() as events,
        _connection(folder) as connection,
        connection.SimpleQueue(ANALYSIS) as queue,
    ):
        putting = threading.Timer(0.2, _put, (folder, 7))
        putting.start()
        queue.get(timeout=20).ack()
        putting.join()
    assert [one["event"] for one in events] == ["messages_not_watched"]
