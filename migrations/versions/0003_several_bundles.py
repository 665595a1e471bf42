"""several bundles for a study."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_several_bundles"
down_revision = "0002_traces"
branch_labels = None
depends_on = None

_RANKS = {"urgent": "0-urgent", "suspected": "1-suspected", "routine": "4-routine"}
_UNANSWERED = "2-unanswered"
_JOB = sa.table("job", sa.column("id"), sa.column("bundle_version"))
_RESULT = sa.table("result", sa.column("job_id"), sa.column("reading", sa.JSON()))
_ENDED = ("encoded", "delivered", "committed", "refused", "failed")


def upgrade() -> None:
    """Old rows are those of one bundle, and a job's end asked for the place of its result.

    The version that read a study stood in its reading alone.
    """
    op.add_column(
        "job",
        sa.Column("bundle_version", sa.String(length=64), server_default="", nullable=False),
    )
    op.add_column("job", sa.Column("rank", sa.String(length=32), nullable=True))
    op.add_column(
        "result", sa.Column("bundle", sa.String(length=64), server_default="", nullable=False)
    )
    op.execute(
        "UPDATE result SET bundle = (SELECT job.bundle FROM job WHERE job.id = result.job_id)"
    )
    version = _RESULT.c.reading["algorithm"]["version"].as_string()
    read_by = sa.select(version).where(_RESULT.c.job_id == _JOB.c.id).scalar_subquery()
    op.execute(_JOB.update().values(bundle_version=sa.func.coalesce(read_by, "")))
    places = " ".join(f"WHEN '{urgency}' THEN '{rank}'" for urgency, rank in _RANKS.items())
    ended = ", ".join(f"'{state}'" for state in _ENDED)
    op.execute(
        f"UPDATE job SET rank = COALESCE((SELECT CASE result.urgency {places} END FROM result"  # noqa: S608 words of ours
        f" WHERE result.job_id = job.id), '{_UNANSWERED}') WHERE job.state IN ({ended})"
    )
    op.create_table(
        "bundle_sign",
        sa.Column("process", sa.String(length=128), nullable=False),
        sa.Column("bundle", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("process", "bundle", name="pk_bundle_sign"),
    )
    op.create_index(
        "ix_result_of_bundle", "result", ["study_id", "bundle", "study_version"], unique=False
    )
