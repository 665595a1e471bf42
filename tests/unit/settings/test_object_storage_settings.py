"""The settings of the object storage: what does not go together is refused at start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from radiology.errors import SettingsRefused
from settings.environment import Settings
from settings.object_storage import ObjectStorage
from settings.tls import ClientTls

_GIVEN: dict[str, Any] = {
    "endpoint": "https://objects.hospital:9000/",
    "bucket": "firstread",
    "access_key": "firstread",
    "secret_key": SecretStr("hush"),
}
_PLAIN = {"endpoint": "http://objects.hospital"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"endpoint": "objects.hospital:9000"}, "begins with http"),
        ({"endpoint": "https://key:word@objects.hospital"}, "begins with http"),
        ({"bucket": "Fir"}, "bucket"),
        ({"prefix": "/firstread"}, "prefix"),
        ({"prefix": "a/../b"}, "prefix"),
        ({"prefix": "a" * 201}, "too long"),
        ({"secret_key_file": Path("key")}, "either"),
        ({"secret_key": None}, "either"),
        ({**_PLAIN, "tls": ClientTls()}, "begins with https"),
        ({"tls": ClientTls(crl_file=Path("list.pem"))}, "reads no such lists"),
        ({"buckets": "a"}, "Extra inputs"),
    ],
)
def test_what_does_not_go_together(given: dict[str, Any], said: str) -> None:
    """Each is refused, with what to change."""
    with pytest.raises(ValidationError, match=said):
        ObjectStorage(**{**_GIVEN, **given})


def test_a_bucket_needs_a_server_for_rows() -> None:
    """Hosts that share no folder share no SQLite."""
    storage = ObjectStorage(**_GIVEN)
    with pytest.raises(ValidationError, match="needs database_url"):
        Settings(object_storage=storage)
    url = SecretStr("postgresql://db/firstread")
    assert Settings(object_storage=storage, database_url=url).object_storage == storage


def test_the_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    """Read when it is wanted; a file that is not there is said by the setting's name."""
    file = tmp_path / "key"
    storage = ObjectStorage(**{**_GIVEN, "secret_key": None, "secret_key_file": file})
    with pytest.raises(SettingsRefused, match="secret_key_file"):
        storage.secret()
    file.write_text("hush\n")
    assert storage.secret().get_secret_value() == "hush"
    assert "hush" not in repr(ObjectStorage(**_GIVEN))
