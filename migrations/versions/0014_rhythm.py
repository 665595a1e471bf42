"""what an image says of its place, what a study waits for, and how a sender usually sends."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014_rhythm"
down_revision = "0013_audit_chain"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("instance", sa.Column("instance_number", sa.Integer(), nullable=True))
    op.add_column("instance", sa.Column("position_mm", sa.Double(), nullable=True))
    op.add_column("instance", sa.Column("claimed_instances", sa.Integer(), nullable=True))
    op.add_column(
        "study", sa.Column("awaits", sa.String(length=32), server_default="", nullable=False)
    )
    op.create_table(
        "sender_rhythm",
        sa.Column("calling_ae_title", sa.String(length=16), nullable=False),
        sa.Column("learnt", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("calling_ae_title", name="pk_sender_rhythm"),
    )


def downgrade() -> None:
    op.drop_table("sender_rhythm")
    op.drop_column("study", "awaits")
    op.drop_column("instance", "claimed_instances")
    op.drop_column("instance", "position_mm")
    op.drop_column("instance", "instance_number")
