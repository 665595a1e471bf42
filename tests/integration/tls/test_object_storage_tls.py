"""Object storage over TLS: its certificate is checked by the hospital's own issuer."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from radiology.errors import ObjectStorageUnavailable
from settings.tls import ClientTls
from storage.bucket import Bucket
from tests.builders.dicom.issuer import Issuer
from tests.peers.seaweedfs import ObjectServer, start_object_server

pytestmark = pytest.mark.integration


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer.new(tmp_path / "tls")


@pytest.fixture
def server(issuer: Issuer, tmp_path: Path) -> Iterator[ObjectServer]:
    ours = issuer.issue("objects", "127.0.0.1")
    folder = tmp_path / "objects"
    folder.mkdir()
    started = start_object_server(folder, ours.certificate, ours.key, issuer.file)
    yield started
    started.stop()


def test_only_our_own_issuer_is_believed(
    server: ObjectServer, issuer: Issuer, tmp_path: Path
) -> None:
    """4 s. With the right issuer objects are kept; with another one, or none, nothing is sent."""
    server.new_bucket("over-tls", ca_file=issuer.file)
    tls = ClientTls(ca_file=issuer.file)
    bucket = Bucket(server.settings("over-tls", tls=tls))
    bucket.put_bytes("a", b"content")
    read = io.BytesIO()
    assert bucket.get("a", read) is not None
    assert read.getvalue() == b"content"
    other = Issuer.new(tmp_path / "other", "Other")
    for wrong in (ClientTls(ca_file=other.file), None):
        with pytest.raises(ObjectStorageUnavailable, match="SSLError"):
            Bucket(server.settings("over-tls", tls=wrong)).put_bytes("b", b"content")
    assert [name for name, _ in bucket.below("")] == ["a"]
