"""states are counted of listed studies only, from the index alone."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_study_state", table_name="study")
    op.create_index("ix_study_state", "study", ["state", "asked_for"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_study_state", table_name="study")
    op.create_index("ix_study_state", "study", ["state"], unique=False)
