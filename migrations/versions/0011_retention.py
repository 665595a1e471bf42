"""what goes: when files were removed, files to remove, the disk's course, what is forgotten."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011_retention"
down_revision = "0010_counted"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Of what is there already, all files are."""
    op.add_column("study", sa.Column("originals_removed_at", _MOMENT, nullable=True))
    op.create_index(
        "ix_study_originals", "study", ["originals_removed_at", "last_instance_at", "id"]
    )
    op.add_column("instance", sa.Column("removed_at", _MOMENT, nullable=True))
    for kind in ("slices", "files"):
        op.add_column("result", sa.Column(f"{kind}_removed_at", _MOMENT, nullable=True))
        op.create_index(f"ix_result_{kind}", "result", [f"{kind}_removed_at", "created_at", "id"])
    op.create_table(
        "file_removal",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("folder", sa.String(length=16), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("marked_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_file_removal"),
        sa.UniqueConstraint("folder", "path", name="uq_file_removal_folder_path"),
    )
    op.create_table(
        "retention_state",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("noted_at", _MOMENT, nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_retention_state"),
    )
    op.create_table(
        "disk_sample",
        sa.Column("sampled_at", _MOMENT, nullable=False),
        sa.Column("free_bytes", sa.BigInteger(), nullable=False),
        sa.Column("total_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sampled_at", name="pk_disk_sample"),
    )
    op.create_table(
        "forgetting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asked", sa.String(length=128), nullable=False),
        sa.Column("identifiers", sa.JSON(), nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_forgetting"),
        sa.UniqueConstraint("asked", name="uq_forgetting_asked"),
    )
