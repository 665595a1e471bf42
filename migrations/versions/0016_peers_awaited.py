"""subscribers and archives are waited for: attempts that found them away."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016_peers_awaited"
down_revision = "0015_notices_unanswered"
branch_labels = None
depends_on = None

_TABLES = ("work_item_notification", "prior_request")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(
            table, sa.Column("unanswered", sa.Integer(), server_default="0", nullable=False)
        )


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "unanswered")
