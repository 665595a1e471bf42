"""Whose signatures under bundles are believed, and whether a bundle needs one."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)

_OURS = "firstread"


def public_key_of(text: str) -> Ed25519PublicKey:
    """An Ed25519 public key from the line of its PEM file: base64 of SubjectPublicKeyInfo.

    RFC 8410 Section 4.

    Raises
    ------
    ValueError
        It is something else.
    """
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(_NO_KEY) from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(_NO_KEY)
    return key


_NO_KEY = "not an Ed25519 public key: the line between BEGIN and END of its PEM file"


def _checked(text: str) -> str:
    public_key_of(text)
    return text


PublicKeyText = Annotated[str, AfterValidator(_checked)]
Signer = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$", max_length=64)]


class BundleSignatures(BaseModel):
    """What is asked of signatures under bundles. A wrong one is refused whatever stands here.

    Attributes
    ----------
    required : whether a bundle without a signature of a trusted key is refused; otherwise it is
        used, and list and page say that nobody vouches for it
    trusted_keys : the site's own public keys by name, beside Firstread's
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    required: bool = False
    trusted_keys: dict[Signer, PublicKeyText] = Field(default_factory=dict)

    @field_validator("trusted_keys")
    @classmethod
    def _check_names(cls, keys: dict[str, str]) -> dict[str, str]:
        if any(name.casefold() == _OURS for name in keys):
            raise ValueError("the name Firstread is that of the key that releases are signed with")
        return keys
