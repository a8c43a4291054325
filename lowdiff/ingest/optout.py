"""Marks by which a site or a file says: not for the training of models. Pure functions.

Sources: Google's X-Robots-Tag and robots metas, with `noai`/`noimageai` as DeviantArt introduced
them; W3C TDM Reservation Protocol; the drafts of IETF's aipref group (`Content-Usage`); the PLUS
data-mining vocabulary in IPTC metadata. Where two marks disagree, the one that forbids counts.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lowdiff.errors import InputError

AGENT = "lowdiff"
"""Our product token: in robots.txt, in headers and in metas."""
FORBIDS = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none", "noml"})
VALUED = frozenset(
    {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview", "max-age"}
)
"""Directives with a value after a colon; any other word before a colon is an agent."""
USES = ("train-genai", "train-ai", "bots")
"""Categories of use that cover what we do, the narrowest first: the first one stated decides."""
PROHIBITS = re.compile(r"DMI-PROHIBITED[A-Z-]*", re.IGNORECASE)
PLUS_ENTRY = re.compile(r"DMI-[A-Z-]+", re.IGNORECASE)


@dataclass(frozen=True)
class Mark:
    """One statement against our use."""

    kind: str
    """`x-robots-tag`, `meta`, `tdm-reservation`, `tdmrep`, `content-usage` or `iptc`."""
    where: str
    """The header, the address of the file, or the element that says so."""
    said: str
    """Its words."""

    def as_dict(self) -> dict[str, str]:
        """Plain values for evidence."""
        return {"kind": self.kind, "where": self.where, "said": self.said[:500]}


def opted_out(item: object, marks: Iterable[Mark]) -> InputError:
    """The refusal of an item because of its marks; the marks are its evidence."""
    found = list(marks)
    refusal = InputError(
        item,
        "is marked against the training of models",
        reason="opted_out",
        found="; ".join(f"{mark.where}: {mark.said[:200]}" for mark in found),
        do="If the mark does not bind you, say why in optouts_waived of its source.",
    )
    return refusal.with_evidence({"optouts": [mark.as_dict() for mark in found]})


def header_marks(headers: Iterable[tuple[str, str]]) -> tuple[Mark, ...]:
    """Marks in the headers of an answer; a header may come several times.

    Args:
        headers: name and value; names in any case.
    """
    marks: list[Mark] = []
    usage: list[str] = []
    for name, value in headers:
        key = name.lower()
        if key == "x-robots-tag":
            if any(word in FORBIDS for word in directives(value)):
                marks.append(Mark("x-robots-tag", name, value))
        elif key == "tdm-reservation":
            if value.strip() == "1":
                marks.append(Mark("tdm-reservation", name, value))
        elif key == "content-usage":
            usage.append(value)
    if usage and forbids_training(", ".join(usage)):
        marks.append(Mark("content-usage", "Content-Usage", ", ".join(usage)))
    return tuple(marks)


def directives(value: str) -> Iterator[str]:
    """The words of an `X-Robots-Tag` that are meant for everybody or for us, in lower case."""
    is_ours = True
    for part in value.lower().split(","):
        word = part.strip()
        name, colon, rest = (one.strip() for one in word.partition(":"))
        if colon and name in VALUED:
            continue
        if colon and " " not in name:
            is_ours = name in ("*", AGENT) or name.startswith(f"{AGENT}/")
            word = rest
        if is_ours and word:
            yield from word.split()


def meta_marks(metas: Iterable[tuple[str, str]]) -> tuple[Mark, ...]:
    """Marks in a page's `<meta name content>` pairs."""
    marks: list[Mark] = []
    for name, content in metas:
        key = name.strip().lower()
        if key in ("robots", AGENT):
            words = set(re.split(r"[\s,]+", content.lower()))
            if words & FORBIDS:
                marks.append(Mark("meta", f'<meta name="{key}">', content))
        elif key == "tdm-reservation" and content.strip() == "1":
            marks.append(Mark("meta", f'<meta name="{key}">', content))
    return tuple(marks)


def follows_links(metas: Iterable[tuple[str, str]]) -> bool:
    """False where a page's metas ask that its links are not followed."""
    return not any(
        {"nofollow", "none"} & set(re.split(r"[\s,]+", content.lower()))
        for name, content in metas
        if name.strip().lower() in ("robots", AGENT)
    )


def tdmrep_mark(text: str, *, path: str, where: str) -> Mark | None:
    """What a `/.well-known/tdmrep.json` says of a path: the most specific location counts.

    Args:
        path: path and query of the address in question.
        where: address of the file.
    """
    best: tuple[int, dict[str, Any]] | None = None
    for rule in _tdm_rules(text):
        pattern = str(rule.get("location", ""))
        if path_matches(pattern, path) and (best is None or len(pattern) > best[0]):
            best = len(pattern), rule
    if best is None or str(best[1].get("tdm-reservation")) not in ("1", "True"):
        return None
    return Mark("tdmrep", where, json.dumps(best[1], ensure_ascii=False))


@lru_cache(maxsize=256)
def _tdm_rules(text: str) -> tuple[dict[str, Any], ...]:
    try:
        rules = json.loads(text)
    except (ValueError, RecursionError):
        return ()  # a page that says "not found" with status 200, for example
    rules = rules if isinstance(rules, list) else [rules]
    return tuple(rule for rule in rules if isinstance(rule, dict))


def robots_usage_mark(text: str, *, path: str, where: str) -> Mark | None:
    """What the `Content-Usage` lines of a robots.txt say of a path.

    The group of our agent counts, else the one of `*`; in it the line with the longest path.
    """
    best_length, best = -1, ""
    for scope, preferences in _usage_lines(text):
        if len(scope) > best_length and path_matches(scope, path):
            best_length, best = len(scope), preferences
    if not forbids_training(best):
        return None
    return Mark("content-usage", where, best)


@lru_cache(maxsize=256)
def _usage_lines(text: str) -> tuple[tuple[str, str], ...]:
    """Path and preferences, of the group that is ours."""
    groups: dict[str, list[tuple[str, str]]] = {}
    agents: list[str] = []
    in_rules = False
    for line in text.splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not colon or key == "sitemap":
            continue
        if key == "user-agent":
            if in_rules:
                agents, in_rules = [], False
            agents.append(value.lower())
            groups.setdefault(value.lower(), [])
            continue
        in_rules = True
        if key == "content-usage":
            scope, _space, rest = value.partition(" ")
            usage = (scope, rest.strip()) if scope.startswith("/") else ("/", value)
            for agent in agents:
                groups[agent].append(usage)
    return tuple(groups.get(AGENT, groups.get("*", [])))


def forbids_training(preferences: str) -> bool:
    """Whether a `Content-Usage` dictionary says no to what we do; what it leaves out is allowed."""
    said: dict[str, str] = {}
    for member in re.split(r""",(?=(?:[^"]*"[^"]*")*[^"]*$)""", preferences):
        key, _equals, value = member.partition(";")[0].partition("=")
        said[key.strip().lower()] = value.strip().lower()
    stated = next((said[use] for use in USES if said.get(use) in ("y", "n")), "y")
    return stated == "n"


def path_matches(pattern: str, path: str) -> bool:
    """Whether a pattern of robots.txt or tdmrep.json (`*`, a `$` at the end) covers a path."""
    return bool(pattern) and _compiled(pattern).match(path) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    ends = pattern.endswith("$")
    parts = re.sub(r"\*+", "*", pattern.removesuffix("$")).split("*")
    if parts[0] and not parts[0].startswith("/"):
        parts[0] = f"/{parts[0]}"
    # possessive: a hostile pattern cannot make the search go back and forth
    lazy = "".join(f"(?>.*?{re.escape(part)})" for part in parts[1:-1])
    last = f".*{re.escape(parts[-1])}" if len(parts) > 1 else ""
    return re.compile(re.escape(parts[0]) + lazy + last + (r"\Z" if ends else ""), re.DOTALL)


def embedded_optout(embedded: Mapping[str, Any]) -> Mark | None:
    """The data-mining mark that a file itself carries (IPTC/PLUS), if it forbids our use.

    Args:
        embedded: what the decoder read from the file: `data_mining` and `data_mining_source`.
    """
    said = str(embedded.get("data_mining") or "")
    where = str(embedded.get("data_mining_source") or "metadata of the file")
    entry = PLUS_ENTRY.search(said)
    is_no = PROHIBITS.match(entry[0]) is not None if entry else "prohibit" in said.lower()
    return Mark("iptc", where, said) if is_no else None
