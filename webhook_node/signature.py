"""Signatures of webhooks, in both directions.

The scheme of the Standard Webhooks specification, version 1.0.0: HMAC-SHA256 (RFC 2104) over the
message's id, the second of its sending and its body, so that none of them can be changed, and an
old message cannot be played again as a new one.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import datetime

from pydantic import SecretStr

from radiology.errors import SettingsRefused

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_VERSION = "v1"
_PREFIX = "whsec_"  # of a secret that is given in base64
_TOLERANCE_S = 300.0  # how far the clocks of two systems may differ


def signed_headers(
    secret: SecretStr | None, message_id: str, body: bytes, now: datetime
) -> dict[str, str]:
    """The headers of a message; without a secret it has no signature.

    Raises
    ------
    SettingsRefused
        The secret begins with "whsec_" and is not base64.
    """
    timestamp = str(int(now.timestamp()))
    headers = {ID: message_id, TIMESTAMP: timestamp}
    if secret is not None:
        headers[SIGNATURE] = f"{_VERSION},{_signature(secret, message_id, timestamp, body)}"
    return headers


def is_signed(secret: SecretStr, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether a message carries a signature made with the secret, not long ago.

    Parameters
    ----------
    headers : with their names in small letters; a sender may give several signatures
    """
    message_id, timestamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    if abs(now.timestamp() - int(timestamp)) > _TOLERANCE_S:
        return False
    wanted = f"{_VERSION},{_signature(secret, message_id, timestamp, body)}".encode()
    given = headers.get(SIGNATURE, "").encode(errors="replace").split()
    return any(hmac.compare_digest(wanted, one) for one in given[:8])


def _signature(secret: SecretStr, message_id: str, timestamp: str, body: bytes) -> str:
    signed = b".".join((message_id.encode(errors="replace"), timestamp.encode(), body))
    digest = hmac.digest(_key(secret), signed, "sha256")
    return base64.b64encode(digest).decode()


def _key(secret: SecretStr) -> bytes:
    text = secret.get_secret_value()
    if not text.startswith(_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise SettingsRefused("A secret that begins with whsec_ must be base64") from error
