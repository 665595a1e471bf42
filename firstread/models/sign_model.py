"""`firstread models keygen` and `sign`: vouch for a bundle."""

from __future__ import annotations

from pathlib import Path

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console

from firstread.models.make_bundle import find_folder
from models.release.sign import sign_bundle
from models.signatures.keys import (
    PassphraseNeeded,
    key_id,
    key_text,
    make_key,
    public_pem,
    read_private_key,
)
from settings.environment import Settings


def keygen_and_print(key: Path) -> None:
    """Make a key pair, and say where its halves belong."""
    public = make_key(key)
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(
        f"The private key is in {key}: keep it away from the machines that use bundles, and a copy "
        "in a safe.\n"
        "The public key, for firstread.toml of each machine that should trust it (the name is "
        "yours to choose):\n\n"
        "[bundle_signatures.trusted_keys]\n"
        f'"our hospital" = "{key_text(public)}"\n\n'
        f"The same for openssl; signatures call it {key_id(public)}:\n\n{public_pem(public)}",
        end="",
    )


def sign_and_print(settings: Settings, which: list[str], key: Path) -> None:
    """Sign bundles; the key is read once, and its passphrase asked for where it has one."""
    private = _unlock(key)
    console = Console(highlight=False, soft_wrap=True, markup=False)
    for one in which:
        path = sign_bundle(find_folder(settings, one), private)
        console.print(f"Signed with {key_id(private.public_key())}: {path}")


def _unlock(key: Path) -> Ed25519PrivateKey:
    try:
        return read_private_key(key)
    except PassphraseNeeded:
        return read_private_key(key, typer.prompt(f"Passphrase of {key}", hide_input=True))
