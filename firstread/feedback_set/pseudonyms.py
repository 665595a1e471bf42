"""Pseudonyms and UIDs in place of those of patients, the same in every export of a site.

They are keyed digests (HMAC-SHA-256, RFC 2104): whoever has a list of Patient IDs or of UIDs cannot
find out by trying which of them is meant, unless they have the site's key. It stays in the data
folder; without it the next export would give the same patient another name, and a case that was
held out of a training could be trained on.
"""

from __future__ import annotations

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from radiology.errors import SettingsRefused
from radiology.identity import FIRSTREAD_ROOT

KEY_FILE = "feedback-export.key"
_KEY_BYTES = 32


class Pseudonyms:
    """Stand-ins, each following from what it stands for and the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def uid(self, uid: str) -> str:
        """A UID in place of another (PS3.5 Annex B.2: 2.25 and a 128-bit number)."""
        return f"{FIRSTREAD_ROOT}.{int.from_bytes(self._digest('uid', uid)[:16], 'big')}"

    def case(self, patient_id: str, study_instance_uid: str) -> str:
        """A name for a patient; where there is no Patient ID, for a study."""
        kind, value = ("patient", patient_id) if patient_id else ("study", study_instance_uid)
        return f"case-{self._digest(kind, value).hex()[:12]}"

    def study(self, study_instance_uid: str) -> str:
        """A word for a study, for names of files."""
        return self._digest("word", study_instance_uid).hex()[:8]

    def _digest(self, kind: str, value: str) -> bytes:
        return hmac.new(self._key, f"{kind}\0{value}".encode(), sha256).digest()


def site_pseudonyms(data_folder: Path) -> Pseudonyms:
    """The site's; its key is made at the first export.

    Raises
    ------
    SettingsRefused
        The key cannot be read or written, or is damaged.
    """
    path = data_folder / KEY_FILE
    try:
        # Made whole or not at all, and by one of two exports that begin together.
        made = path.with_name(f".{KEY_FILE}.{secrets.token_hex(4)}")
        if not path.exists():
            descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(_KEY_BYTES))
            try:
                path.hardlink_to(made)
            except FileExistsError:
                pass
            finally:
                made.unlink()
        key = path.read_bytes()
    except OSError as error:
        raise SettingsRefused(f"{path} cannot be read or made: {error.strerror}") from error
    if len(key) != _KEY_BYTES:
        raise SettingsRefused(f"{path} is damaged: it has not {_KEY_BYTES} bytes")
    return Pseudonyms(key)
