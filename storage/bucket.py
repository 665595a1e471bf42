"""A bucket: objects put, got, listed and removed by name. The owner of botocore.

Amazon S3 API Reference (2006-03-01): PutObject, GetObject, HeadObject, DeleteObject,
ListObjectsV2, ListObjectVersions. What it says of a fault becomes `ObjectStorageUnavailable` with
its code and without its words, which may hold names of objects.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Any, Final

import botocore.exceptions
import botocore.session
from botocore.config import Config

from database.metrics.counted import count
from database.metrics.declared import OBJECT_STORAGE_REQUESTS
from radiology.errors import ObjectStorageUnavailable
from settings.object_storage import ObjectStorage

CONNECTIONS: Final = 8
_ATTEMPTS: Final = 3
_PROBE_S: Final = 3.0
_PIECE_BYTES: Final = 1 << 20
_NOT_THERE: Final = frozenset(("NoSuchKey", "NotFound", "404"))


@dataclass(frozen=True, slots=True)
class ObjectInBucket:
    """One object.

    Attributes
    ----------
    etag : another one under the same name has another one
    """

    etag: str
    size_bytes: int
    modified_at: float


class Bucket:
    """The bucket of the settings; used by many threads, and made anew by each process.

    Attributes
    ----------
    fault : why the last request came to nothing; "" where it did not
    """

    def __init__(self, storage: ObjectStorage) -> None:
        self.fault = ""
        self._name = storage.bucket
        # Nothing of somebody's Amazon account on this machine is read.
        nothing = dict.fromkeys(("profile", "config_file", "credentials_file"), (None,) * 4)
        self._session = botocore.session.Session(session_vars=nothing)
        self._client = self._made(storage, storage.timeout_s, attempts=_ATTEMPTS)
        self._probing = self._made(storage, min(storage.timeout_s, _PROBE_S), attempts=1)

    def put(self, name: str, file: Path) -> ObjectInBucket:
        """Keep the bytes of a file under a name, in place of what was there."""
        with file.open("rb") as body, self._asked("put"):
            answer = self._client.put_object(Bucket=self._name, Key=name, Body=body)
            return ObjectInBucket(answer["ETag"], os.fstat(body.fileno()).st_size, _date(answer))

    def put_bytes(self, name: str, content: bytes) -> ObjectInBucket:
        """Keep a few bytes under a name."""
        with self._asked("put"):
            answer = self._client.put_object(Bucket=self._name, Key=name, Body=content)
            return ObjectInBucket(answer["ETag"], len(content), _date(answer))

    def get(self, name: str, file: IO[bytes]) -> ObjectInBucket | None:
        """Write an object into a file; None where there is no such object."""
        with self.reading(name) as opened:
            if opened is None:
                return None
            stored, stream = opened
            while piece := stream.read(_PIECE_BYTES):
                file.write(piece)
            return stored

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[tuple[ObjectInBucket, IO[bytes]] | None]:
        """The bytes of an object as they come; None where there is no such object."""
        with self._asked("get"):
            try:
                answer = self._client.get_object(Bucket=self._name, Key=name)
            except botocore.exceptions.ClientError as error:
                if _code(error) not in _NOT_THERE:
                    raise
                answer = None
        if answer is None:
            yield None
            return
        body = answer["Body"]
        try:
            yield (
                ObjectInBucket(answer["ETag"], answer["ContentLength"], _modified(answer)),
                _Body(body),  # type: ignore[misc]
            )
        finally:
            body.close()

    def facts(self, name: str) -> ObjectInBucket | None:
        """What is known of an object; None where there is none of this name."""
        with self._asked("head"):
            try:
                answer = self._client.head_object(Bucket=self._name, Key=name)
            except botocore.exceptions.ClientError as error:
                if _code(error) not in _NOT_THERE:
                    raise
                return None
            return ObjectInBucket(answer["ETag"], answer["ContentLength"], _modified(answer))

    def remove(self, name: str) -> None:
        """Remove an object, with every version of it where the bucket keeps versions."""
        with self._asked("remove"):
            answer = self._client.delete_object(Bucket=self._name, Key=name)
            if answer.get("DeleteMarker") or answer.get("VersionId"):
                self._remove_versions(name)

    def _remove_versions(self, name: str) -> None:
        pages = self._client.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._name, Prefix=name):
            for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                if one["Key"] == name:
                    self._client.delete_object(
                        Bucket=self._name, Key=name, VersionId=one["VersionId"]
                    )

    def below(self, prefix: str) -> Iterator[tuple[str, ObjectInBucket]]:
        """Every object whose name begins so, in the order of names."""
        for page in self._pages(Prefix=prefix):
            for one in page.get("Contents", ()):
                yield (
                    one["Key"],
                    ObjectInBucket(one["ETag"], one["Size"], one["LastModified"].timestamp()),
                )

    def entries(self, prefix: str) -> Iterator[str]:
        """The next parts of all names that begin so, up to a slash; each once."""
        for page in self._pages(Prefix=prefix, Delimiter="/"):
            for folder in page.get("CommonPrefixes", ()):
                yield folder["Prefix"].removeprefix(prefix).rstrip("/")
            for one in page.get("Contents", ()):
                yield one["Key"].removeprefix(prefix)

    def keeps_versions(self) -> bool | None:
        """Whether the bucket keeps what is overwritten or removed; None: it does not tell us."""
        try:
            with self._asked("versioning"):
                answer = self._client.get_bucket_versioning(Bucket=self._name)
        except ObjectStorageUnavailable as error:
            if error.facts.get("code") in ("AccessDenied", "NotImplemented", "MethodNotAllowed"):
                return None
            raise
        return "Status" in answer

    def clock(self) -> datetime:
        """What time it is there; asked once, and not waited for long."""
        with self._asked("clock"):
            answer = self._probing.head_bucket(Bucket=self._name)
            return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])

    def _made(self, storage: ObjectStorage, timeout_s: float, *, attempts: int) -> Any:
        tls = storage.tls
        certificate = None
        if tls is not None and tls.certificate_file is not None:
            certificate = (str(tls.certificate_file), str(tls.key_file))
        return self._session.create_client(
            "s3",
            endpoint_url=storage.endpoint,
            region_name=storage.region,
            aws_access_key_id=storage.access_key,
            aws_secret_access_key=storage.secret().get_secret_value(),
            verify=str(tls.ca_file) if tls is not None and tls.ca_file is not None else True,
            config=Config(
                connect_timeout=timeout_s,
                read_timeout=timeout_s,
                retries={"mode": "standard", "total_max_attempts": attempts},
                max_pool_connections=CONNECTIONS,
                client_cert=certificate,
                # The service compares the SHA-256 of what came with that of the signature, so that
                # nothing is kept that was damaged on its way.
                s3={"addressing_style": "path", "payload_signing_enabled": True},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    @contextlib.contextmanager
    def _asked(self, request: str) -> Iterator[None]:
        """Count a request, and remember how the last one ended."""
        try:
            with _faults():
                yield
        except ObjectStorageUnavailable as error:
            self.fault = str(error)
            count(OBJECT_STORAGE_REQUESTS, request=request, outcome="failed")
            raise
        self.fault = ""
        count(OBJECT_STORAGE_REQUESTS, request=request, outcome="done")

    def _pages(self, **asked: str) -> Iterator[dict[str, Any]]:
        pages = iter(
            self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, **asked)
        )
        while True:
            with self._asked("list"):
                page = next(pages, None)
            if page is None:
                return
            yield page


class _Body:
    """The bytes of an answer; what breaks off is said as every other fault of the service."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        with _faults():
            return bytes(self._body.read(None if size < 0 else size))


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except botocore.exceptions.ClientError as error:
        raise ObjectStorageUnavailable(
            "The object storage refuses a request", code=_code(error)
        ) from error
    except botocore.exceptions.BotoCoreError as error:
        raise ObjectStorageUnavailable(
            "The object storage does not answer", reason=type(error).__name__
        ) from error


def _code(error: botocore.exceptions.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _modified(answer: dict[str, Any]) -> float:
    return float(answer["LastModified"].timestamp())


def _date(answer: dict[str, Any]) -> float:
    """When the service answered: in the place of the time of change, which it does not tell."""
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
