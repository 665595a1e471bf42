"""Programs sign in with each request: HTTP Basic (RFC 7617), against the accounts with a password.

A password is checked once and then known again for a while, because argon2id takes its time and a
client makes hundreds of requests. What is kept of it is a digest under a key of this process, in
memory; it counts only while the account has the same hash, so a new password, disabling and
removing hold from the next request on. Failures count as those of the sign-in page do.
"""

from __future__ import annotations

import binascii
import hmac
import secrets
import threading
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from database.accounts.audit import Actor, record_audit
from database.accounts.kept import PasswordOf, note_sign_in, password_of
from database.session import Engine, query, transaction
from worklist.access.sign_in import Attempt, SignInAnswer, check_password

KNOWN_FOR = timedelta(minutes=10)
_REMEMBERED = 1000
_MOST_HEADER_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class _Known:
    password_hash: str
    until: datetime


def basic_credentials(header: str) -> tuple[str, str] | None:
    """Name and password of an Authorization header; None where it has none of this kind."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic" or len(header) > _MOST_HEADER_CHARACTERS:
        return None
    try:
        name, colon, password = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon and name else None


class MachineSignIn:
    """Checks what programs send with their requests.

    Parameters
    ----------
    engine : of the database
    clock : gives the moment
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._turns: WeakValueDictionary[bytes, threading.Lock] = WeakValueDictionary()

    def check(self, name: str, password: str, address: str) -> PasswordOf | SignInAnswer:
        """Whose name and password these are, or why they are refused.

        Raises
        ------
        DatabaseUnavailable
            Nobody can be let in now.
        """
        digest = hmac.digest(self._key, f"{name}\0{password}".encode(), "sha256")
        known = self._still_known(name, digest)
        if known is not None:
            return known
        with self._lock:
            turn = self._turns.setdefault(digest, threading.Lock())
        # Clients begin with several requests at once: the first is an attempt, the others wait.
        with turn:
            return self._still_known(name, digest) or self._sign_in(name, password, address, digest)

    def _still_known(self, name: str, digest: bytes) -> PasswordOf | None:
        """Whose password it is, if it was looked at lately and is the account's now."""
        with query(self._engine) as session:
            found = password_of(session, name)
        known = self._known.get(digest)
        if (
            found is None
            or known is None
            or known.password_hash != found.password_hash
            or self._clock() >= known.until
        ):
            return None
        return found

    def _sign_in(
        self, name: str, password: str, address: str, digest: bytes
    ) -> PasswordOf | SignInAnswer:
        now = self._clock()
        checked = check_password(self._engine, Attempt(name, password, address), now)
        if isinstance(checked, SignInAnswer):
            return checked
        with transaction(self._engine) as session:
            note_sign_in(session, checked.account_id, now)
            actor = Actor(checked.name, checked.role.value, address)
            record_audit(session, "signed_in", now, actor, through="basic")
        self._remember(digest, _Known(checked.password_hash, now + KNOWN_FOR))
        return checked

    def _remember(self, digest: bytes, known: _Known) -> None:
        with self._lock:
            self._known[digest] = known
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
