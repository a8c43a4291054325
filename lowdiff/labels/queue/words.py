"""Why an image is next, in words."""

from lowdiff.labels.queue.priority import AUDIT, GOLD, Next
from lowdiff.labels.queue.worth import FAMILY_KNOWN

TOLD = 3
"""Fields that are named."""
SURE = 0.9
NEW = 0.5
"""From this novelty on an image is called unlike what is labelled."""
RARE = 1.2
"""From this gain on, without the part for a lacking image."""


def reasons(one: Next) -> list[str]:
    """What speaks for an image, the strongest part first as the formula multiplies them."""
    if one.kind == GOLD:
        return ["a known answer, to see how often annotators give it"]
    found = [f"second look: {why}" for why in one.second_look]
    if one.kind == AUDIT:
        return [*found, "drawn by lot for the audit: every field is shown"]
    doubtful = [f"{name} ({sure:.2f})" for name, sure in one.unsure if sure < SURE][:TOLD]
    if doubtful:
        found.append("unsure of " + ", ".join(doubtful))
    worth = one.worth
    if worth is None:
        return found
    if worth.compared and worth.novel >= NEW:
        found.append(f"unlike what people have labelled ({worth.novel:.2f})")
    if worth.family > 1:
        found.append(f"speaks for {one.family} images of its family")
    elif worth.family == FAMILY_KNOWN:
        found.append("one of its family is labelled, or comes before it")
    if one.rare and worth.gain >= RARE:
        found.append(f"{one.rare[0]} {one.rare[1]} is rare in the labels")
    return found or ["nothing special: what is left"]
