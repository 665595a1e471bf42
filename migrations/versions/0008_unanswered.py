"""attempts at a delivery that found nobody count towards no limit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008_unanswered"
down_revision = "0007_one_patient"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was tried before is counted as before."""
    op.add_column(
        "delivery", sa.Column("unanswered", sa.Integer(), server_default="0", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("delivery", "unanswered")
