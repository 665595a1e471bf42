"""a receiver of flags is waited for: attempts that found it away, and which attempt a row is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015_notices_unanswered"
down_revision = "0014_rhythm"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "flag_notice",
        sa.Column("unanswered", sa.Integer(), server_default="0", nullable=False),
    )
    op.add_column(
        "flag_attempt",
        sa.Column("number", sa.Integer(), server_default="0", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("flag_attempt", "number")
    op.drop_column("flag_notice", "unanswered")
