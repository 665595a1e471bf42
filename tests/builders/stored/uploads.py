"""Uploads as the page leaves them for a worker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from database.session import Engine, transaction
from database.uploads.received import open_upload, queue_upload
from settings.environment import Settings
from tests.builders.hostile_uploads import write_upload


def queue_files(
    settings: Settings, engine: Engine, files: Sequence[bytes], now: datetime, *, name: str = "a"
) -> str:
    """Put files where a worker finds them; gives the upload's token."""
    token = f"token-{name}"
    with transaction(engine) as session:
        upload_id = open_upload(
            session, now, token=token, folder=name, reader="local", receive_s=900.0, most_open=20
        )
    assert upload_id is not None
    write_upload(settings.uploads_folder / name, list(files))
    with transaction(engine) as session:
        queue_upload(
            session,
            upload_id,
            now,
            files=len(files),
            size_bytes=sum(map(len, files)),
            keep_s=settings.uploads.keep_s,
        )
    return token
