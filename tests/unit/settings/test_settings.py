"""Settings: where they come from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from radiology.errors import SettingsRefused
from settings.environment import read_settings
from settings.peers import PeerRole, RequestPriority

SETTINGS_FILE = """
ae_title = "CT-AI"
quiet_s = 7

[[peers]]
name = "ct-1"
ae_title = "CT1"
priority = "HIGH"

[[peers]]
name = "pacs"
ae_title = "PACS"
host = "pacs.example"
port = 104
roles = ["source", "destination"]
"""


@pytest.fixture
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "firstread.toml"
    path.write_text(SETTINGS_FILE)
    monkeypatch.setenv("FIRSTREAD_SETTINGS_FILE", str(path))
    return path


def test_a_file_is_read(settings_file: Path) -> None:
    """Scalars and peers come from the TOML file."""
    settings = read_settings()
    assert (settings.ae_title, settings.quiet_s) == ("CT-AI", 7.0)
    assert [peer.name for peer in settings.destinations] == ["pacs"]
    assert settings.peers[0].priority is RequestPriority.HIGH
    assert settings.peers[1].roles == {PeerRole.SOURCE, PeerRole.DESTINATION}


def test_the_environment_wins_over_the_file(
    settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an operator sets for one start overrides the file."""
    monkeypatch.setenv("FIRSTREAD_QUIET_S", "2.5")
    assert read_settings().quiet_s == 2.5


def test_peers_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers can pass peers as JSON."""
    monkeypatch.setenv("FIRSTREAD_PEERS", '[{"name": "ct-2", "ae_title": "CT2"}]')
    assert [peer.ae_title for peer in read_settings().peers] == ["CT2"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("FIRSTREAD_QUIET", "5", "FIRSTREAD_QUIET"),
        ("FIRSTREAD_DICOM_PORT", "70000", "dicom_port"),
        ("FIRSTREAD_AE_TITLE", "A TITLE THAT IS TOO LONG", "ae_title"),
        ("FIRSTREAD_PEERS", '[{"name": "a", "ae_title": "A", "roles": ["destination"]}]', "host"),
        ("FIRSTREAD_SETTINGS_FILE", "does-not-exist.toml", "does not exist"),
    ],
)
def test_what_is_wrong_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    """A misspelt name or a wrong value is refused, and the message names it."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsRefused, match=said):
        read_settings()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("dicom_prot = 104", "dicom_prot: not a setting, did you mean dicom_port?"),
        ("[[peer]]\nname = 'a'", "peer: not a setting, did you mean peers?"),
        (
            "[[peers]]\nname = 'a'\nae_title = 'A'\nrole = ['source']",
            "peers.0.role: not a setting, did you mean roles?",
        ),
        (
            "[[flags]]\nkind = 'webhook'\nname = 'a'\nurll = 'http://x/'",
            "flags.0.webhook.urll: not a setting, did you mean url?",
        ),
        ("[uploads]\nmost_file = 3", "uploads.most_file: not a setting, did you mean most_files?"),
        ("[hl7_listener]\nprot = 1", "hl7_listener.prot: not a setting, did you mean port?"),
        ("page_port = 1", "page_port: not a setting, did you mean dicom_port or worklist_port?"),
        ("worklist_prot = 1", "worklist_prot: not a setting, did you mean worklist_port?"),
        ("xyzzy_s = 1", "xyzzy_s: not a setting; see docs/settings.md"),
        ("xyzzy = 1", "xyzzy: not a setting; see docs/settings.md"),
    ],
)
def test_a_typo_is_told_what_was_meant(settings_file: Path, written: str, said: str) -> None:
    """At any depth of the file, among the names that are known there."""
    settings_file.write_text(written)
    with pytest.raises(SettingsRefused) as refused:
        read_settings()
    assert said in str(refused.value)
    assert "Extra inputs" not in str(refused.value)


def test_a_typo_in_the_environment_is_told_what_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is named as it is to be written."""
    monkeypatch.setenv("FIRSTREAD_DICOM_PROT", "104")
    with pytest.raises(SettingsRefused, match=r"did you mean FIRSTREAD_DICOM_PORT\?"):
        read_settings()
    monkeypatch.delenv("FIRSTREAD_DICOM_PROT")
    monkeypatch.setenv("FIRSTREAD_PAGE_PORT", "1")
    with pytest.raises(SettingsRefused, match=r"mean FIRSTREAD_\w+_PORT or FIRSTREAD_\w+_PORT\?"):
        read_settings()


def test_a_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password in a database URL appears neither in the settings' text nor in an error."""
    monkeypatch.setenv("FIRSTREAD_DATABASE_URL", "postgresql://u:hunter2@db/firstread")
    assert "hunter2" not in repr(read_settings())
    monkeypatch.setenv("FIRSTREAD_DICOM_PORT", "none")
    with pytest.raises(SettingsRefused) as refused:
        read_settings()
    assert "hunter2" not in str(refused.value)


def _web_peer(**more: object) -> dict[str, object]:
    return {"name": "web", "ae_title": "WEB", "roles": ["destination"], **more}


@pytest.mark.parametrize(
    ("peer", "secrets", "words"),
    [
        ({"storage_commitment": True, "stow_url": "https://pacs/dicom-web"}, {}, "needs host"),
        ({}, {}, "host and port, or stow_url"),
        ({"stow_url": "https://user:word@pacs/dicom-web"}, {}, "must not hold user"),
        ({"stow_url": "http://pacs/dicom-web"}, {"web": "secret-word"}, "only sent over https"),
        ({"stow_url": "https://pacs/dicom-web", "stow_user": "u"}, {}, "needs a secret"),
        ({"stow_url": "https://pacs/dicom-web"}, {"pacs": "secret-word"}, "names no peer"),
        ({"host": "pacs", "port": 104}, {"web": "secret-word"}, "no stow_url"),
        (
            {"stow_url": "https://pacs/dicom-web", "stow_secret_file": "word"},
            {"web": "secret-word"},
            "given twice",
        ),
    ],
)
def test_a_destination_that_cannot_work_is_refused_at_start(
    peer: dict[str, object], secrets: dict[str, str], words: str
) -> None:
    """Address, storage commitment and secret of a destination must fit; no secret is repeated."""
    with pytest.raises(SettingsRefused, match=words) as refusal:
        read_settings(peers=[_web_peer(**peer)], stow_secrets=secrets)
    assert "secret-word" not in str(refusal.value)


def test_a_secret_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret of a peer comes by environment, and is masked wherever settings are shown."""
    monkeypatch.setenv("FIRSTREAD_STOW_SECRETS", '{"web": "secret-word"}')
    settings = read_settings(peers=[_web_peer(stow_url="https://pacs/dicom-web")])
    secret = settings.stow_secret(settings.peers[0])
    assert secret is not None
    assert secret.get_secret_value() == "secret-word"
    assert "secret-word" not in str(settings.stow_secrets)


def test_the_old_name_of_the_bundles_is_told_its_new_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In the file and in the environment: a site that updates reads what to write."""
    with pytest.raises(SettingsRefused, match="bundle is called bundles and is a list"):
        read_settings(bundle="chest-ct-pneumonia")
    monkeypatch.setenv("FIRSTREAD_BUNDLE", "chest-ct-pneumonia")
    with pytest.raises(SettingsRefused, match="bundle is called bundles and is a list"):
        read_settings()


@pytest.mark.parametrize("names", [[], ["a", "a"], ["../a"], [".a"], ["a" * 65]])
def test_bundles_are_named_once_and_plainly(names: list[str]) -> None:
    """At least one; a name can lead nowhere else, and fits its column."""
    with pytest.raises(SettingsRefused, match="bundles"):
        read_settings(bundles=names)
