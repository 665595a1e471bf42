"""recipes of result objects; what a delivery sends is planned.

The previous version of the code can work with it: it writes no recipe, and its statuses have their
moments.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("result_object", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("recipe", sa.String(length=64), server_default="", nullable=False)
        )
    with op.batch_alter_table("delivered_object", schema=None) as batch_op:
        batch_op.alter_column(
            "answered_at", existing_type=sa.DateTime(timezone=True), nullable=True
        )


def downgrade() -> None:
    op.execute("DELETE FROM delivered_object WHERE answered_at IS NULL")
    with op.batch_alter_table("delivered_object", schema=None) as batch_op:
        batch_op.alter_column(
            "answered_at", existing_type=sa.DateTime(timezone=True), nullable=False
        )
    with op.batch_alter_table("result_object", schema=None) as batch_op:
        batch_op.drop_column("recipe")
