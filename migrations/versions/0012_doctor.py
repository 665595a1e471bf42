"""what the doctor found: its last run, and one that is under way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_doctor"
down_revision = "0011_retention"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "doctor_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("machine", sa.String(length=255), nullable=False),
        sa.Column("ticket", sa.String(length=16), nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_doctor_run"),
        sa.UniqueConstraint("ticket", name="uq_doctor_run_ticket"),
    )


def downgrade() -> None:
    op.drop_table("doctor_run")
