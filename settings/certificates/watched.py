"""What is made of files, and made anew when one of them changes, without a restart.

Files are replaced one after the other, so a moment comes in which the new certificate and the old
key do not belong together. What cannot be used leaves what is in force as it is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

from radiology.errors import SettingsRefused
from settings.log.log_events import get_logger
from settings.tls import ClientTls, DicomTls, ListenerTls

_log = get_logger("tls")

T = TypeVar("T")
Sign = tuple[tuple[int, int, int] | None, ...]


class Watched(Generic[T]):
    """Something made of files, as they are now; used by several threads.

    Parameters
    ----------
    build : makes it; raises SettingsRefused while the files cannot be used
    files : looked at each time that it is asked for
    what : whose files they are, for log events

    Raises
    ------
    SettingsRefused
        The files cannot be used, and there is nothing earlier to go on with.
    """

    def __init__(self, build: Callable[[], T], files: Iterable[Path], what: str) -> None:
        self._build = build
        self._files = tuple(files)
        self._what = what
        self._turn = threading.Lock()
        self._sign = _sign(self._files)  # before reading: what changes meanwhile is seen next time
        self._made = build()

    def __call__(self) -> T:
        """What is in force for the next connection."""
        with self._turn:
            sign = _sign(self._files)
            if sign != self._sign:
                self._sign = sign
                self._renew()
            return self._made

    def _renew(self) -> None:
        try:
            self._made = self._build()
        except SettingsRefused as error:
            _log.error(
                "certificates_not_renewed",
                of=self._what,
                reason=str(error),
                hint="the old ones are in use until the files can be; mend them before a restart",
            )
            return
        _log.info("certificates_renewed", of=self._what)


def files_of(tls: ClientTls | ListenerTls | DicomTls) -> tuple[Path, ...]:
    """Every file that a form names."""
    issuers = tls.client_ca_file if isinstance(tls, ListenerTls) else tls.ca_file
    files = (tls.certificate_file, tls.key_file, issuers, tls.crl_file)
    return tuple(file for file in files if file is not None)


def _sign(files: tuple[Path, ...]) -> Sign:
    """What changes when a file is written, replaced, or a link to it is turned."""
    found: list[tuple[int, int, int] | None] = []
    for file in files:
        try:
            status = file.stat()
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            found.append(None)
    return tuple(found)
