"""Whether a bundle's signatures hold, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from models.signatures.keys import FIRSTREAD_KEYS, key_id
from models.signatures.signature_file import read_signatures, signature_path
from models.signatures.signed_text import signed_text
from radiology.errors import BundleRejected
from settings.bundle_signatures import BundleSignatures, public_key_of


@dataclass(frozen=True)
class Trust:
    """Whose signatures are believed, and whether a bundle needs one of them.

    Attributes
    ----------
    keys : name and key, by the key's id
    """

    keys: Mapping[str, tuple[str, Ed25519PublicKey]]
    required: bool = False

    @classmethod
    def by(cls, wanted: BundleSignatures) -> Self:
        """Firstread's keys and the site's own."""
        keys = {}
        for name, text in {**FIRSTREAD_KEYS, **wanted.trusted_keys}.items():
            key = public_key_of(text)
            keys[key_id(key)] = (name, key)
        return cls(keys, wanted.required)


class Vouched(Enum):
    """Who vouches that a bundle's files are those that were released."""

    SIGNED = auto()  # whom the site trusts
    UNKNOWN = auto()  # somebody whose key this site does not have
    NOBODY = auto()  # there is no signature


@dataclass(frozen=True, slots=True)
class BundleSignature:
    """What the signatures under a bundle say.

    Attributes
    ----------
    signers : names of the trusted keys, sorted; empty unless it is signed by one
    """

    vouched: Vouched
    signers: tuple[str, ...] = field(default=())

    @property
    def warning(self) -> str:
        """What a person should know; "" where a trusted key has signed."""
        return _WARNINGS[self.vouched]


_WARNINGS = {
    Vouched.SIGNED: "",
    Vouched.UNKNOWN: "signed with a key that is not trusted here",
    Vouched.NOBODY: "not signed",
}


def check_signature(folder: Path, trust: Trust, *, digest: str | None = None) -> BundleSignature:
    """Check the signatures under a bundle that was read already.

    Parameters
    ----------
    digest : of the bundle that was read; None where only the declaration is looked at, for a page

    Raises
    ------
    BundleRejected
        A signature of a trusted key is wrong, or signatures are required and there is none of a
        trusted key; the message says what to do.
    """
    found = read_signatures(folder)
    signers = []
    if found:
        signed = signed_text(folder)
        if digest is not None and signed.digest != digest:
            raise BundleRejected("The declaration was changed while the bundle was read; try again")
        for identity in sorted(set(found) & set(trust.keys)):
            name, key = trust.keys[identity]
            _verify(key, found[identity], signed.text, name, folder)
            signers.append(name)
    if signers:
        return BundleSignature(Vouched.SIGNED, tuple(sorted(signers)))
    said = BundleSignature(Vouched.UNKNOWN if found else Vouched.NOBODY)
    if trust.required:
        raise BundleRejected(
            f"The bundle is {said.warning}, and bundle_signatures.required is set: sign it with a "
            "key that bundle_signatures.trusted_keys names (`firstread models sign`)"
        )
    return said


def _verify(key: Ed25519PublicKey, signature: bytes, text: bytes, name: str, folder: Path) -> None:
    try:
        key.verify(signature, text)
    except InvalidSignature as error:
        raise BundleRejected(
            f"The signature of {name} does not belong to this bundle: it, or "
            f"{signature_path(folder)}, was changed after it was signed. Install both again; what "
            "was changed on purpose needs a new version, and a signature of the site's"
        ) from error
