"""what is counted for the metrics, and how far the traces have got."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_counted"
down_revision = "0009_the_list"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Counting begins now: what happened before is in no counter."""
    op.create_table(
        "counted",
        sa.Column("metric", sa.String(length=96), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("bucket", sa.String(length=16), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("metric", "labels", "bucket", name="pk_counted"),
    )
    op.create_table(
        "trace_cursor",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trace_cursor"),
    )
    op.create_index(
        "ix_delivery_fault",
        "delivery",
        ["destination"],
        sqlite_where=sa.text("error_kind <> ''"),
        postgresql_where=sa.text("error_kind <> ''"),
    )


def downgrade() -> None:
    op.drop_index("ix_delivery_fault", "delivery")
    op.drop_table("trace_cursor")
    op.drop_table("counted")
