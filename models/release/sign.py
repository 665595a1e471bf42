"""Signs a bundle with a private key."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.catalogue import check_folder
from models.signatures.keys import key_id
from models.signatures.signature_file import read_signatures, signature_path, write_signatures
from models.signatures.signed_text import signed_text


def sign_bundle(folder: Path, key: Ed25519PrivateKey) -> Path:
    """Put a signature of this key beside a bundle; those of other keys stay.

    Returns
    -------
    The file of signatures.

    Raises
    ------
    BundleRejected
        The bundle is damaged or not sealed: only what could be used is signed.
    SettingsRefused
        The file cannot be written.
    """
    check_folder(folder)
    signed = signed_text(folder)
    kept = read_signatures(folder) if signature_path(folder).exists() else {}
    return write_signatures(folder, {**kept, key_id(key.public_key()): key.sign(signed.text)})
