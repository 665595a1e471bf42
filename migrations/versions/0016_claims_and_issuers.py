"""when managers of work items are asked, and who issued a patient ID."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_WITH_ISSUER = ("study", "imaging_order", "patient_visit")


def upgrade() -> None:
    op.add_column("flag_notice", sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "flag_notice",
        sa.Column("ask_error", sa.String(length=64), server_default="", nullable=False),
    )
    op.create_index("ix_flag_notice_ask_at", "flag_notice", ["ask_at"], unique=False)
    for table in _WITH_ISSUER:
        op.add_column(
            table,
            sa.Column(
                "issuer_of_patient_id", sa.String(length=64), server_default="", nullable=False
            ),
        )


def downgrade() -> None:
    for table in _WITH_ISSUER:
        op.drop_column(table, "issuer_of_patient_id")
    op.drop_index("ix_flag_notice_ask_at", table_name="flag_notice")
    op.drop_column("flag_notice", "ask_error")
    op.drop_column("flag_notice", "ask_at")
