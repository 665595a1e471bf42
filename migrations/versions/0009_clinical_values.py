"""clinical values of a study, with who entered them and when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clinical_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("entered_by", sa.String(length=128), nullable=False),
        sa.Column("through", sa.String(length=32), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_clinical_entry_study_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinical_entry")),
    )
    op.create_index("ix_clinical_entry_study", "clinical_entry", ["study_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("clinical_entry")
