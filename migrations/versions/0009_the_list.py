"""the list: what the headers say of a study, and how each reader wants to see it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_the_list"
down_revision = "0008_unanswered"
branch_labels = None
depends_on = None

_IN_FORCE = """
    FROM result
    WHERE result.study_id = study.id
      AND result.superseded_by_id IS NULL AND result.withdrawn_at IS NULL
    ORDER BY CASE result.urgency
      WHEN 'urgent' THEN 0 WHEN 'suspected' THEN 1 WHEN 'routine' THEN 2 ELSE 3 END, result.id
    LIMIT 1
"""


def upgrade() -> None:
    """Headings of older studies are read from their files by the housekeeping, the newest first."""
    op.add_column("study", sa.Column("bundle", sa.String(64), server_default="", nullable=False))
    op.add_column("study", sa.Column("suspicion", sa.Double(), nullable=True))
    op.add_column("study", sa.Column("heading_due_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE study SET heading_due_at = last_instance_at,"  # noqa: S608 no value from elsewhere
        f" bundle = COALESCE((SELECT result.bundle {_IN_FORCE}), ''),"
        f" suspicion = (SELECT result.suspicion {_IN_FORCE})"
    )
    op.create_index("ix_study_heading_due_at", "study", ["heading_due_at"])
    # A search looks for any part of an identifier now, which no order of an index serves.
    op.drop_index("ix_study_accession_begins", table_name="study")
    op.drop_index("ix_study_patient_begins", table_name="study")
    _make_headings()
    _make_lists_of_readers()


def _make_headings() -> None:
    op.create_table(
        "study_heading",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("named", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("patient_name", sa.Text(), nullable=False),
        sa.Column("searched_name", sa.Text(), nullable=False),
        sa.Column("scanned_at", sa.String(19), nullable=False),
        sa.Column("study_description", sa.String(64), nullable=False),
        sa.Column("series_description", sa.String(64), nullable=False),
        sa.Column("body_part", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_study_heading_study_id")),
        sa.PrimaryKeyConstraint("study_id", name=op.f("pk_study_heading")),
    )


def _make_lists_of_readers() -> None:
    _make_kept_table("list_columns", sa.Column("columns", sa.JSON(), nullable=False))
    _make_kept_table(
        "saved_filter",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("first", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    _make_kept_table(
        "list_search",
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("sought", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_list_search_token_sha256")),
    )
    op.create_index("ix_list_search_made_at", "list_search", ["made_at"])


def _make_kept_table(name: str, *parts: sa.Column[object] | sa.UniqueConstraint) -> None:
    """A table of what a reader keeps; without an account it is of whoever sits at the machine."""
    op.create_table(
        name,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        *parts,
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f(f"fk_{name}_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(f"ix_{name}_account_id", name, ["account_id"])
