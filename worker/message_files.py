"""kombu's filesystem transport, with files that appear whole: the embedded size's broker.

kombu 5.7 creates a message under its own name and fills it afterwards; its table of bindings it
empties first and fills again. Another process that looks between the two reads nothing, and ends
with `JSONDecodeError`. It takes a message by moving it to the folder for temporary files, which is
a copy where that is another file system. Here every file is written beside its place and renamed,
and taken by renaming.

kombu looks into the folder again and again. Here a process that waits is woken by what is put in.
"""

from __future__ import annotations

import fcntl
import math
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

from settings.log.log_events import get_logger
from worker.watched_folder import WatchedFolder

_log = get_logger("message_files")
_LONGEST_S = 60.0
_UNFINISHED, _TAKEN = ".part", ".taken"
"""kombu knows the messages of a queue by what follows the first dot of their names, whole: neither
`_size`, which tells how many wait, nor `_purge` sees names that go on after `.msg`."""


class FileChannel(filesystem.Channel):
    """Puts, takes and binds by renaming; counts and purges as kombu does."""

    # Its two parents in kombu call the second parameter differently.
    def _put(self, queue: str, payload: dict[str, Any], **kwargs: Any) -> None:  # type: ignore[override]
        # The name is kombu's: sorted, the oldest comes first.
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        _write_whole(Path(self.data_folder_out) / name, payload)

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        folder = Path(self.data_folder_in)
        for name in sorted(path.name for path in folder.iterdir()):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = folder / (name + _TAKEN)
            try:
                (folder / name).rename(taken)
            except FileNotFoundError:
                continue  # another reader was quicker
            stored = taken.read_text(encoding="utf-8")
            taken.unlink()
            try:
                message: dict[str, Any] = loads(stored)
            except ValueError:
                # Cut off by a power cut. The sweep sends another wake-up; this one wakes nobody.
                _log.warning("message_unreadable", queue=queue)
                continue
            return message
        raise Empty

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str | None, queue: str) -> None:
        binding = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with (self.control_folder / "bindings.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
            bindings = self.get_table(exchange)
            if binding not in bindings:
                _write_whole(self.control_folder / f"{exchange}.exchange", [binding, *bindings])


class Transport(filesystem.Transport):
    """What `worker.celery_app` names as Celery's transport where no broker is set."""

    Channel = FileChannel

    def __init__(self, client: Any, **options: Any) -> None:
        super().__init__(client, **options)
        self._folder: WatchedFolder | None = None
        self._is_watched = True

    # Its stubs have options for the timeout, and say that any of the three may be None.
    def drain_events(self, connection: Any, timeout: float | None = None) -> None:  # type: ignore[override]
        """Deliver one message, as kombu does; `socket.timeout` where none came in time."""
        of_kombu: Any = self
        cycle, channels = of_kombu.cycle, of_kombu.channels
        poll_s: float = of_kombu.polling_interval
        ends_at = math.inf if timeout is None else time.monotonic() + timeout
        folder = self._watch()  # before the first look: what comes after it ends the wait
        while True:
            may_take = all(channel.qos.can_consume() for channel in channels)
            try:
                cycle.get(self._deliver, timeout=timeout)
            except Empty:
                left_s = ends_at - time.monotonic()
                if left_s <= 0:
                    raise TimeoutError from None  # which is socket.timeout
            else:
                return
            if folder is not None and may_take:
                folder.wait(min(left_s, _LONGEST_S))
            else:
                # A busy worker takes no message, and nothing in the folder changes when it may.
                time.sleep(min(left_s, poll_s))

    def close_connection(self, connection: Any) -> None:
        """As kombu does it, and end the watch."""
        if self._folder is not None:
            self._folder.close()
            self._folder = None
        super().close_connection(connection)

    def _watch(self) -> WatchedFolder | None:
        """The watch on the folder; None where it is looked into again and again."""
        client: Any = self.client
        options: dict[str, Any] = client.transport_options
        if self._folder is None and self._is_watched:
            try:
                self._folder = WatchedFolder(Path(options["data_folder_in"]))
            except OSError as error:
                self._is_watched = False
                _log.warning("messages_not_watched", errno=error.errno)
        return self._folder


def _write_whole(path: Path, content: Any) -> None:
    unfinished = path.with_name(path.name + _UNFINISHED)
    try:
        unfinished.write_text(dumps(content), encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise ChannelError(f"cannot write {path.name}: {error.strerror}") from error
