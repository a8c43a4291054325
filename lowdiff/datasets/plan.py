"""Decide what a version will be, before a byte of it is written."""

from dataclasses import dataclass
from typing import Any

from lowdiff.catalog import Catalog
from lowdiff.catalog.images import UNKNOWN_LICENCE
from lowdiff.datasets.identity import members_digest, row_hash, version_digest
from lowdiff.datasets.layout import FORMAT
from lowdiff.datasets.render import RENDER
from lowdiff.datasets.select import Member, known_splits, select_members
from lowdiff.datasets.split import TEST_SHARE, VALIDATION_SHARE, assign_splits, moved
from lowdiff.datasets.twins import LeftOut, Twins, keep_best
from lowdiff.dedupe.link import read_links
from lowdiff.errors import InputError
from lowdiff.labels.accept.policy import Policy
from lowdiff.labels.schema import Schema


@dataclass(frozen=True)
class Plan:
    """Everything that a version will be, before a byte of it is written."""

    name: str
    schema: Schema
    recipe: dict[str, Any]
    members: list[Member]
    splits: dict[str, str]
    """Image id → split, of the members."""
    left_out: list[LeftOut]
    """Accepted images whose twin stands for them."""
    unlicensed: int
    """Accepted images that are not in because nobody knows their licence."""
    moved: dict[str, tuple[str, str]]
    """Image id → (old, new split), where two families have become one."""
    members_sha256: str
    digest: str


def plan_version(
    catalog: Catalog,
    *,
    name: str,
    image_px: int,
    policy: Policy,
    schema: Schema,
    seed: int,
    twins: Twins = "best",
    use_unknown_licences: bool = False,
) -> Plan:
    """Decide members, splits and digest from one consistent view of the catalog.

    Raises:
        InputError: no image is accepted, or none of them has a known licence.
    """
    with catalog.read() as session:
        members = select_members(session, schema=schema, policy=policy)
        known, families = known_splits(session)
        same_picture = read_links(session).same_picture() if twins == "best" else {}
    if not members:
        raise InputError(
            name,
            "there is nothing to export: no image has an accepted caption",
            reason="nothing_to_export",
            do="Run `lowdiff draft` and confirm captions in Label Studio. A project without people "
            'sets acceptance = "confidence": then drafts count unaudited.',
        )
    accepted = len(members)
    if not use_unknown_licences:
        members = [one for one in members if one.row["licence"] not in (None, UNKNOWN_LICENCE)]
    unlicensed = accepted - len(members)
    if not members:
        raise _all_unlicensed(name, unlicensed)
    members, left_out = keep_best(members, same_picture)
    assigned = assign_splits(
        families | {member.image_id: member.family_id for member in members}, known, seed=seed
    )
    recipe = {
        "name": name,
        "image_px": image_px,
        "acceptance": policy.recipe(),
        "render": RENDER,
        "twins": twins,
        "use_unknown_licences": use_unknown_licences,
        "split": {"seed": seed, "test": TEST_SHARE, "validation": VALIDATION_SHARE},
    }
    members_sha256 = members_digest(
        (member.image_id, assigned[member.image_id], row_hash(member.row)) for member in members
    )
    return Plan(
        name=name,
        schema=schema,
        recipe=recipe,
        members=members,
        splits={member.image_id: assigned[member.image_id] for member in members},
        left_out=left_out,
        unlicensed=unlicensed,
        moved=moved(known, assigned),
        members_sha256=members_sha256,
        digest=version_digest(
            members_sha256, file_format=FORMAT, schema_version=schema.version, recipe=recipe
        ),
    )


def _all_unlicensed(name: str, number: int) -> InputError:
    return InputError(
        name,
        "there is nothing to export: nobody knows the licence of any accepted image",
        reason="nothing_to_export",
        found=f"{number} of unknown licence",
        do="Give their source a licence and ingest it again, or use --use-unknown-licences.",
    )
