"""where an attempt broke down, in every queue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_traces"
down_revision = "0001_first_schema"
branch_labels = None
depends_on = None

_QUEUES = ("delivery", "flag_notice", "prior_request", "upload", "work_item_notification")


def upgrade() -> None:
    """A job has the column already, and gets the default that the others have."""
    for table in _QUEUES:
        op.add_column(table, sa.Column("trace", sa.Text(), server_default="", nullable=False))
    with op.batch_alter_table("job") as job:
        job.alter_column("trace", server_default="", existing_type=sa.Text(), nullable=False)
    broke_down = sa.text("trace <> ''")
    op.create_index(
        "ix_flag_notice_defect",
        "flag_notice",
        ["id"],
        sqlite_where=broke_down,
        postgresql_where=broke_down,
    )
