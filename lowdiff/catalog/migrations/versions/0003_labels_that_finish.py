"""Decisions on acceptance, withdrawn annotations, gold items, learned drafters, corrections"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Among machines the newest statement counts: the stage `draft` appends only the best candidate,
# whatever kind of drafter made it.
CURRENT_LABEL = """
CREATE VIEW current_label AS
SELECT id AS event_id, image_id, field, value, origin, actor, confidence, schema_version,
       annotation_key, lead_time_s, created_at
FROM (
    SELECT label_event.*, ROW_NUMBER() OVER (
        PARTITION BY image_id, field
        ORDER BY CASE origin WHEN 'adjudicated' THEN 1 WHEN 'human' THEN 2 ELSE 3 END, id DESC
    ) AS place
    FROM label_event
    WHERE NOT EXISTS (
        SELECT 1 FROM label_withdrawal
        WHERE label_withdrawal.annotation_key = label_event.annotation_key
    )
) AS ranked
WHERE place = 1
"""
FIRST_CURRENT_LABEL = """
CREATE VIEW current_label AS
SELECT id AS event_id, image_id, field, value, origin, actor, confidence, schema_version,
       annotation_key, lead_time_s, created_at
FROM (
    SELECT label_event.*, ROW_NUMBER() OVER (
        PARTITION BY image_id, field
        ORDER BY CASE origin
            WHEN 'adjudicated' THEN 1 WHEN 'human' THEN 2 WHEN 'propagated' THEN 3
            WHEN 'rule' THEN 4 ELSE 5 END, id DESC
    ) AS place
    FROM label_event
) AS ranked
WHERE place = 1
"""


def upgrade() -> None:
    op.create_table(
        "acceptance_decision",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("family", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("audited", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("upper_bound", sa.Double(), nullable=False),
        sa.Column("error_limit", sa.Double(), nullable=False),
        sa.Column("calibration_labels", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_acceptance_field", "acceptance_decision", ["field", "family"])
    op.create_table(
        "label_withdrawal",
        sa.Column("annotation_key", sa.String(length=64), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("annotation_key"),
    )
    op.create_table(
        "gold_item",
        sa.Column("image_id", sa.String(length=64), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.String(length=128), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"]),
        sa.PrimaryKeyConstraint("image_id", "field"),
    )
    op.create_table(
        "draft_model",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("trained_at", sa.DateTime(), nullable=False),
        sa.Column("n_labels", sa.Integer(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("store_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_draft_model_field", "draft_model", ["field", "trained_at"])
    op.create_table(
        "label_correction",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "correction_mark",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("correction_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["correction_id"], ["label_correction.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("correction_id", "kind", "target"),
    )
    op.create_index("ix_correction_mark_correction_id", "correction_mark", ["correction_id"])
    op.create_index("ix_correction_mark_target", "correction_mark", ["target"])
    op.execute("DROP VIEW current_label")
    op.execute(CURRENT_LABEL)


def downgrade() -> None:
    op.execute("DROP VIEW current_label")
    for name in (
        "correction_mark",
        "label_correction",
        "draft_model",
        "gold_item",
        "label_withdrawal",
        "acceptance_decision",
    ):
        op.drop_table(name)
    op.execute(FIRST_CURRENT_LABEL)
