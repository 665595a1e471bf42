"""The sweep of uploads: requeues those of silent workers, deletes expired ones."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from database.session import Engine, query, transaction
from database.uploads.sweep import delete_uploads, requeue_uploads, uploads_to_sweep
from settings.environment import Settings
from settings.log.log_events import get_logger
from storage.kept_files import kept_files

_log = get_logger("upload")


def sweep_uploads(settings: Settings, engine: Engine, now: datetime) -> int:
    """Take uploads back from dead workers, and delete what is past its time.

    Returns
    -------
    How many wait for a worker.
    """
    with query(engine) as session:
        found = uploads_to_sweep(session, now)
    waiting = found.waiting
    if found.expired_leases:
        with transaction(engine) as session:
            requeued = requeue_uploads(session, max_attempts=settings.uploads.max_attempts, now=now)
        waiting += len(requeued)
        _log.warning("uploads_requeued", upload_ids=requeued)
    if found.deletable and kept_files(settings).answer():
        # Files first: a row without files is deleted by the next sweep, files without a row never.
        for _, folder in found.deletable:
            kept_files(settings).remove_below(_within(settings.uploads_folder, folder))
        upload_ids = [upload_id for upload_id, _ in found.deletable]
        with transaction(engine) as session:
            delete_uploads(session, upload_ids, now)
        _log.info("uploads_deleted", upload_ids=upload_ids)
    return waiting


def _within(folder: Path, name: str) -> Path:
    """The folder of one upload: its name is ours, and is looked at all the same."""
    path = folder / name
    if path.parent != folder or not name.isalnum():
        raise ValueError("the folder of an upload is not one")
    return path
