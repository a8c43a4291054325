"""Evidence of verdicts, a crawl's frontier, what a file says of itself, verdicts on pairs"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("image", sa.Column("embedded", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column(
        "rejection", sa.Column("evidence", sa.JSON(), nullable=False, server_default="{}")
    )
    op.add_column("fetch_queue", sa.Column("stamp", sa.Text(), nullable=True))
    op.execute("UPDATE fetch_queue SET stamp = etag")  # one column held both
    op.add_column("fetch_queue", sa.Column("fetched_at", sa.DateTime(), nullable=True))
    op.add_column("fetch_queue", sa.Column("retry_at", sa.DateTime(), nullable=True))
    op.create_table(
        "crawl_page",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("lease_owner", sa.String(length=128), nullable=True),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("rules_hash", sa.String(length=16), nullable=True),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("fetched_at", sa.DateTime(), nullable=True),
        sa.Column("retry_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "url"),
    )
    op.create_index("ix_crawl_open", "crawl_page", ["source", "state"])
    op.create_table(
        "policy_answer",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("url", "digest"),
    )
    op.create_table(
        "duplicate_verdict",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("a_id", sa.String(length=64), nullable=False),
        sa.Column("b_id", sa.String(length=64), nullable=False),
        sa.Column("relation", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["a_id"], ["image.id"]),
        sa.ForeignKeyConstraint(["b_id"], ["image.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_verdict_pair", "duplicate_verdict", ["a_id", "b_id"])


def downgrade() -> None:
    op.drop_table("duplicate_verdict")
    op.drop_table("policy_answer")
    op.drop_table("crawl_page")
    op.drop_column("fetch_queue", "retry_at")
    op.drop_column("fetch_queue", "fetched_at")
    op.drop_column("fetch_queue", "stamp")
    op.drop_column("rejection", "evidence")
    op.drop_column("image", "embedded")
