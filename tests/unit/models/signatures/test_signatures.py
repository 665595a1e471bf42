"""Signatures under bundles: whose hold, whose are wrong, and what a site asks for."""

from __future__ import annotations

import ast
import base64
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from firstread.__main__ import app
from models.candidates import candidates_folder, use_candidate, withdraw_bundle
from models.catalogue import read_catalogue
from models.release.seal import write_files_table
from models.release.sign import sign_bundle
from models.signatures.check_signature import Trust, Vouched, check_signature
from models.signatures.keys import (
    FIRSTREAD_KEYS,
    PassphraseNeeded,
    key_id,
    key_text,
    make_key,
    public_pem,
    read_private_key,
)
from models.signatures.signature_file import read_signatures, signature_path
from models.signatures.signed_text import signed_text
from radiology.errors import BundleRejected, SettingsRefused
from settings.bundle_signatures import BundleSignatures, public_key_of
from tests.builders.bundles import NAME, write_bundle
from tests.peers.programs import REPOSITORY, require_program

BUNDLES = REPOSITORY / "models" / "bundles"
RELEASED = sorted(path.parent for path in BUNDLES.glob("*/*/bundle.toml"))
KEY = ("chest-ct-pneumonia", "2.0.0")


@pytest.fixture
def key() -> Ed25519PrivateKey:
    """The site's own."""
    return Ed25519PrivateKey.generate()


@pytest.fixture
def trusted(key: Ed25519PrivateKey) -> BundleSignatures:
    """A site that trusts its own key, and asks for no signature."""
    return BundleSignatures(trusted_keys={"our hospital": key_text(key.public_key())})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle that nobody has signed."""
    write_bundle(tmp_path, version="2.0.0")
    return tmp_path / NAME / "2.0.0"


@pytest.mark.parametrize("released", RELEASED, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_is_released_is_signed(released: Path) -> None:
    """A bundle in the repository without Firstread's signature is not released: sign it."""
    found = check_signature(released, Trust.by(BundleSignatures(required=True)))
    assert found.signers == ("Firstread",)


def test_openssl_checks_a_signature_with_what_the_page_of_bundles_says(tmp_path: Path) -> None:
    """The very commands and the very key of docs/bundles.md; none of Firstread's code."""
    require_program("openssl", package="openssl")
    page = (REPOSITORY / "docs" / "bundles.md").read_text()
    commands = page.split("```sh\n# Check a signature without Firstread\n", 1)[1].split("```", 1)[0]
    bundle = BUNDLES / "chest-ct-pneumonia" / "3.0.0"
    copied = tmp_path / bundle.parent.name
    shutil.copytree(bundle, copied / bundle.name)
    shutil.copy(signature_path(bundle), copied)

    def check() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-e", "-c", commands], cwd=copied, capture_output=True, text=True, check=False
        )

    done = check()
    assert done.returncode == 0, done.stderr
    assert "Verified Successfully" in done.stdout
    with (copied / bundle.name / "MODEL_CARD.md").open("a") as file:
        file.write("\n")
    assert check().returncode != 0


def test_the_key_on_the_page_is_the_one_in_the_code() -> None:
    page = (REPOSITORY / "docs" / "bundles.md").read_text()
    assert public_pem(public_key_of(FIRSTREAD_KEYS["Firstread"])) in page


def test_no_private_key_is_in_the_repository() -> None:
    """The mark of a PEM file with a private key stands in no tracked file of bundles and keys."""
    mark = b"PRIVATE" + b" KEY-----"
    for path in (REPOSITORY / "models").rglob("*"):
        if path.is_file() and path.suffix not in {".pyc", ".onnx"}:
            assert mark not in path.read_bytes(), path


def test_a_bundle_that_nobody_has_signed_is_used_and_said_to_be_so(folder: Path) -> None:
    """What a researcher makes in half an hour runs without a key."""
    catalogue = read_catalogue(folder.parent.parent)
    assert not catalogue.refused
    said = catalogue.signatures[KEY]
    assert said.vouched is Vouched.NOBODY
    assert said.warning == "not signed"


def test_the_site_vouches_with_its_own_key(
    folder: Path, key: Ed25519PrivateKey, trusted: BundleSignatures
) -> None:
    before = read_catalogue(folder.parent.parent).usable[KEY].digest
    path = sign_bundle(folder, key)
    assert path == folder.parent / "2.0.0.signature"
    required = trusted.model_copy(update={"required": True})
    catalogue = read_catalogue(folder.parent.parent, required)
    assert catalogue.signatures[KEY].signers == ("our hospital",)
    assert catalogue.usable[KEY].digest == before
    elsewhere = read_catalogue(folder.parent.parent).signatures[KEY]
    assert elsewhere.vouched is Vouched.UNKNOWN
    assert "not trusted here" in elsewhere.warning


def test_where_signatures_are_required_one_without_is_refused(
    folder: Path, key: Ed25519PrivateKey
) -> None:
    """No signature, and one of somebody else: neither is enough."""
    required = BundleSignatures(required=True)
    refused = read_catalogue(folder.parent.parent, required).refused
    assert "not signed" in str(refused["/".join(KEY)])
    sign_bundle(folder, key)
    refused = read_catalogue(folder.parent.parent, required).refused
    assert "not trusted here" in str(refused["/".join(KEY)])
    assert "trusted_keys" in str(refused["/".join(KEY)])


def test_a_bundle_that_was_changed_and_sealed_anew_is_refused_always(
    folder: Path, key: Ed25519PrivateKey, trusted: BundleSignatures
) -> None:
    """Its digests agree with its files, so that only the signature tells."""
    sign_bundle(folder, key)
    kept = signature_path(folder).read_bytes()
    (folder / "MODEL_CARD.md").write_text("# Something else\n")
    write_files_table(folder)
    signature_path(folder).write_bytes(kept)
    catalogue = read_catalogue(folder.parent.parent, trusted)
    assert not catalogue.usable
    assert "our hospital does not belong" in str(catalogue.refused["/".join(KEY)])


def test_a_bundle_under_the_signature_of_another_is_refused(
    folder: Path, key: Ed25519PrivateKey, trusted: BundleSignatures, tmp_path: Path
) -> None:
    """Name and version are signed too: an older release cannot pose as a newer one."""
    write_bundle(tmp_path, version="2.1.0")
    sign_bundle(folder, key)
    shutil.copy(signature_path(folder), signature_path(tmp_path / NAME / "2.1.0"))
    assert set(read_catalogue(tmp_path, trusted).refused) == {f"{NAME}/2.1.0"}


@pytest.mark.parametrize(
    "text",
    ["", "nonsense\n", "ed25519 fe09386baaf54c11 AAAA\n", "\xff", "x" * 20_000],
    ids=["empty", "words", "short", "latin", "long"],
)
def test_a_damaged_file_of_signatures_is_refused(folder: Path, text: str) -> None:
    signature_path(folder).write_bytes(text.encode("latin-1"))
    refused = read_catalogue(folder.parent.parent).refused
    assert "is not a file of signatures" in str(refused["/".join(KEY)])


def test_two_may_vouch_and_one_that_signs_again_replaces_its_own(
    folder: Path, key: Ed25519PrivateKey, trusted: BundleSignatures
) -> None:
    other = Ed25519PrivateKey.generate()
    for one in (key, other, key):
        sign_bundle(folder, one)
    assert set(read_signatures(folder)) == {key_id(one.public_key()) for one in (key, other)}
    assert read_catalogue(folder.parent.parent, trusted).signatures[KEY].signers


def test_a_damaged_bundle_is_not_signed(folder: Path, key: Ed25519PrivateKey) -> None:
    (folder / "segmentation.onnx").write_bytes(b"damaged")
    with pytest.raises(BundleRejected, match="sha256"):
        sign_bundle(folder, key)
    assert not signature_path(folder).exists()


def test_sealing_anew_takes_the_signature_away(folder: Path, key: Ed25519PrivateKey) -> None:
    """It was of what the files were before; without a change it stays."""
    write_files_table(folder)
    sign_bundle(folder, key)
    write_files_table(folder)
    assert signature_path(folder).exists()
    (folder / "MODEL_CARD.md").write_text("# Something else\n")
    write_files_table(folder)
    assert not signature_path(folder).exists()


def test_a_signature_goes_with_its_bundle(
    tmp_path: Path, key: Ed25519PrivateKey, trusted: BundleSignatures
) -> None:
    """Into use and out of it."""
    write_bundle(tmp_path, version="2.0.0")
    candidate = candidates_folder(tmp_path) / NAME / "2.1.0"
    write_bundle(candidates_folder(tmp_path), version="2.1.0")
    required = trusted.model_copy(update={"required": True})
    with pytest.raises(BundleRejected, match="not signed"):
        use_candidate(tmp_path, NAME, "2.1.0", required)
    sign_bundle(candidate, key)
    used = use_candidate(tmp_path, NAME, "2.1.0", required)
    assert read_signatures(used)
    withdraw_bundle(tmp_path, NAME, "2.1.0")
    assert read_signatures(candidate)
    assert not read_signatures(used)


def test_a_file_name_that_could_stand_for_two_is_not_signed(folder: Path) -> None:
    """A line end in a name would make one list of two bundles."""
    text = (folder / "bundle.toml").read_text()
    (folder / "bundle.toml").write_text(
        text.replace("[files]", '[files]\n"a\\nb" = "' + 64 * "0" + '"', 1)
    )
    with pytest.raises(BundleRejected, match="cannot be signed"):
        signed_text(folder)


def test_a_private_key_is_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "own.key"
    public = make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert key_id(read_private_key(path).public_key()) == key_id(public)
    with pytest.raises(SettingsRefused, match="never replaced"):
        make_key(path)
    path.chmod(0o640)
    with pytest.raises(SettingsRefused, match="chmod 600"):
        read_private_key(path)


def test_a_key_with_a_passphrase_is_asked_for_it(tmp_path: Path) -> None:
    """The safe of a maintainer; openssl has put the passphrase on it."""
    openssl = require_program("openssl", package="openssl")
    path = tmp_path / "locked.key"
    subprocess.run(
        [
            openssl,
            "genpkey",
            "-algorithm",
            "ed25519",
            "-aes256",
            "-pass",
            "pass:word",
            "-out",
            path,
        ],
        check=True,
        capture_output=True,
    )
    path.chmod(0o600)
    with pytest.raises(PassphraseNeeded):
        read_private_key(path)
    with pytest.raises(SettingsRefused, match="passphrase is wrong"):
        read_private_key(path, "another")
    assert read_private_key(path, "word")


def test_settings_take_ed25519_keys_alone() -> None:
    with pytest.raises(ValueError, match="not an Ed25519 public key"):
        BundleSignatures(trusted_keys={"ours": base64.b64encode(b"no key").decode()})
    with pytest.raises(ValueError, match="Firstread is that of"):
        BundleSignatures(trusted_keys={"firstread": FIRSTREAD_KEYS["Firstread"]})


@pytest.mark.parametrize("room", ["firstread", "worker"])
def test_whoever_reads_bundles_asks_what_the_site_wants_of_signatures(room: str) -> None:
    """A call without the settings would use what the site has asked to refuse."""
    asks = {"read_catalogue", "read_candidates", "use_candidate"}
    calls = [
        call
        for path in (REPOSITORY / room).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in asks
    ]
    assert calls
    for call in calls:
        assert ast.unparse(call.args[-1]).endswith("bundle_signatures"), ast.unparse(call)


def _run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["models", *map(str, words)], env={"COLUMNS": "200"})
    return result.exit_code, result.output


def test_the_commands_make_a_key_and_sign(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From no key to a bundle that a strict site takes; what is printed is what settings take."""
    settings, private = tmp_path / "strict.toml", tmp_path / "own.key"
    bundles = ("--bundles", folder.parent.parent)
    code, said = _run("list", *bundles)
    assert "is not signed: nobody vouches" in said
    code, said = _run("keygen", "--key", private)
    assert code == 0, said
    printed = re.search(r'^\[bundle_signatures.trusted_keys\]\n".*" = ".*"$', said, re.MULTILINE)
    assert printed
    settings.write_text(f"[bundle_signatures]\nrequired = true\n{printed[0]}\n")
    monkeypatch.setenv("FIRSTREAD_SETTINGS_FILE", str(settings))
    assert _run("check", *bundles)[0] == 1
    code, said = _run("sign", folder, "--key", private)
    assert code == 0, said
    assert _run("check", *bundles)[0] == 0
    code, said = _run("list", *bundles)
    assert "our hospital" in said
    assert "nobody vouches" not in said
