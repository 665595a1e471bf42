"""Passwords: what they must be, and how they are kept.

Kept is an argon2id hash (RFC 9106). Rules by length alone and no others: NIST SP 800-63B-4
Section 3.1.1.2.
"""

from __future__ import annotations

import functools
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from radiology.errors import AccountRefused

LONGEST = 256  # characters; more only keeps us busy
# Each hash takes 64 MiB: so many at a time, and the others wait, or anybody could use up memory.
_AT_ONCE = threading.BoundedSemaphore(2)


@functools.cache
def _hasher() -> PasswordHasher:
    return PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)


@functools.cache
def _hash_of_nobody() -> str:
    """What the password of an unknown name is checked against, so that it takes as long."""
    return hash_password("no account has this hash")


def check_new_password(password: str, *, shortest: int) -> None:
    """Make sure that a password may be used.

    Raises
    ------
    AccountRefused
        It is too short or too long.
    """
    if len(_prepared(password)) < shortest:
        raise AccountRefused(f"A password has at least {shortest} characters; words will do")
    if len(password) > LONGEST:
        raise AccountRefused(f"A password has at most {LONGEST} characters")


def hash_password(password: str) -> str:
    """A new hash of a password, with salt and parameters in it."""
    with _AT_ONCE:
        return _hasher().hash(_prepared(password))


def is_password(password: str, password_hash: str | None) -> bool:
    """Whether a password is the one of a hash; without a hash it takes as long, and is not."""
    known = password_hash is not None
    compared = password_hash if password_hash is not None else _hash_of_nobody()
    try:
        with _AT_ONCE:
            _hasher().verify(compared, _prepared(password[:LONGEST]))
    except (VerificationError, InvalidHashError):
        return False
    return known and len(password) <= LONGEST


def needs_new_hash(password_hash: str) -> bool:
    """Whether a hash was made with weaker parameters than those of today."""
    return _hasher().check_needs_rehash(password_hash)


def _prepared(password: str) -> str:
    """One form for what looks alike: keyboards differ in how they compose characters."""
    return unicodedata.normalize("NFKC", password)
