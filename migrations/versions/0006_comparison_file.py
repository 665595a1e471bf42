"""the file that a later study is compared with is named after no organ."""

from __future__ import annotations

from alembic import op

revision = "0006_comparison_file"
down_revision = "0005_shadow_answers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The files stay where they are."""
    op.alter_column("result", "chest_map", new_column_name="comparison_file")


def downgrade() -> None:
    """The same the other way."""
    op.alter_column("result", "comparison_file", new_column_name="chest_map")
