"""Ed25519 keys (RFC 8032) as files and as lines of settings (RFC 8410, RFC 7468)."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from radiology.errors import SettingsRefused

FIRSTREAD_KEYS: Final = {
    "Firstread": "MCowBQYDK2VwAyEADfNeZihrzFxM9lGIJxJH1WYKSkxJGDuV+/7UjeLb1LM=",
}
"""The keys that releases are signed with, by name. One that is no longer used for signing stays as
long as a bundle with its signature is in use; one that was lost to others goes at once."""

_ID_DIGITS = 16


class PassphraseNeeded(SettingsRefused):
    """The private key is encrypted."""


def key_text(key: Ed25519PublicKey) -> str:
    """A public key as settings name it: the line between BEGIN and END of its PEM file."""
    return base64.b64encode(_der(key)).decode()


def key_id(key: Ed25519PublicKey) -> str:
    """What a signature calls the key that it was made with: the first digits of its sha256."""
    return hashlib.sha256(_der(key)).hexdigest()[:_ID_DIGITS]


def public_pem(key: Ed25519PublicKey) -> str:
    """A public key as `openssl` reads it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def make_key(path: Path) -> Ed25519PublicKey:
    """Make a key pair; the private key goes into a file that nobody but its owner can read.

    Raises
    ------
    SettingsRefused
        The file is there already, or cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "wb") as file:
            file.write(pem)
    except OSError as error:
        raise SettingsRefused(
            f"The key cannot be written to {path}: {error.strerror}. A key is never replaced; name "
            "a file that is not there yet."
        ) from error
    return key.public_key()


def read_private_key(path: Path, passphrase: str | None = None) -> Ed25519PrivateKey:
    """Read a private key from a PEM file.

    Raises
    ------
    PassphraseNeeded
        It is encrypted, and no passphrase was given.
    SettingsRefused
        It cannot be read, is of another kind, the passphrase is wrong, or others can read it.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsRefused(
                f"Others can read the private key {path}: run chmod 600 {path}, and think of who "
                "may have read it"
            )
        secret = None if passphrase is None else passphrase.encode()
        key = load_pem_private_key(path.read_bytes(), secret)
    except OSError as error:
        raise SettingsRefused(f"The private key {path} cannot be read: {error.strerror}") from error
    except TypeError as error:  # encrypted without a passphrase, or a passphrase for a plain one
        raise PassphraseNeeded(f"The private key {path} is encrypted") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SettingsRefused(
            f"{path} is no private key in PEM, or the passphrase is wrong"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsRefused(f"{path} is not an Ed25519 key; `firstread models keygen` makes one")
    return key


def _der(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
