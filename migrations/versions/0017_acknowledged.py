"""the list: among studies of one urgency those whose flag nobody has acknowledged come first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017_acknowledged"
down_revision = "0016_peers_awaited"
branch_labels = None
depends_on = None

_BEFORE = ("worklist_rank", "opened", "received_at")
_NOW = ("worklist_rank", "opened", "acknowledged", "received_at")
_INDEXES = {
    "ix_study_worklist": (),
    "ix_study_list_by_sex": ("patient_sex",),
    "ix_study_list_by_age": ("age_band",),
    "ix_study_list_by_scanner": ("calling_ae_title",),
    "ix_study_list_by_label": ("label",),
    "ix_study_list_by_state": ("state",),
    "ix_study_list_by_judgement": ("judgement",),
}


def upgrade() -> None:
    op.add_column(
        "study",
        sa.Column("acknowledged", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.execute(
        "UPDATE study SET acknowledged = TRUE"
        " WHERE worklist_rank IN ('0-urgent', '1-suspected') AND EXISTS ("
        "SELECT 1 FROM flag WHERE flag.study_id = study.id AND flag.state = 'acknowledged')"
    )
    _index_anew(_NOW)


def downgrade() -> None:
    _index_anew(_BEFORE)
    op.drop_column("study", "acknowledged")


def _index_anew(listed: tuple[str, ...]) -> None:
    for name, filtered in _INDEXES.items():
        op.drop_index(name, table_name="study")
        op.create_index(name, "study", ["asked_for", *filtered, *listed])
