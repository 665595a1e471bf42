"""a study has one patient: what contradicts it, and corrections, are noted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007_one_patient"
down_revision = "0006_comparison_file"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """An accession number that is too long is kept whole: cut, it is that of another order."""
    op.add_column(
        "study", sa.Column("several_patients", sa.Text(), server_default="", nullable=False)
    )
    op.add_column(
        "study", sa.Column("corrected_version", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column(
        "instance",
        sa.Column("corrected", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("flag_notice", sa.Column("named", sa.JSON(), nullable=True))
    with op.batch_alter_table("study") as study:
        study.alter_column(
            "accession_number", existing_type=sa.String(length=16), type_=sa.String(length=64)
        )
