"""From a source's title or alt text to the subject of a caption: "raccoon" → "A raccoon".

A handful of rules, not a grammar. A subject never holds a comma or a double quote, because in a
caption these end it.
"""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BEFORE_NOUN_ENDS = _words(
    "with of in on at for over from to by facing holding wearing showing pointing gesturing doing "
    "without under into between through behind and"
)
"""Words after which the main noun of a title has passed."""
ALREADY_DETERMINED = _words(
    "a an the one no my your our his her their this that these those some many several all i it"
)
NUMBERS = _words("two three four five six seven eight nine ten eleven twelve")
ONE_OR_MANY = _words("fish sheep deer salmon aircraft series species")
CONNECTORS = _words("of the and & de la le von der du")
IRREGULAR_PLURALS = _words("people men women children feet teeth mice geese dice skis")
SINGULAR_IN_S = _words(
    "bus trolleybus minibus gas lens canvas christmas atlas texas pancreas compass news "
    "mathematics tennis rhinoceros"
)
UNCOUNTABLE = _words(
    "rice bread money water hair fire fog wind butter cheese honey milk garlic soap luggage sushi "
    "tofu information art music snow rain sand smoke traffic customs dna text equipment furniture "
    "jewellery jewelry software hardware electricity energy quarantine litter clothing meat gps"
)
NO_VERB_ING = _words(
    "ring king wing building string spring sling ceiling railing thing dumpling seedling duckling "
    "sibling wedding earring painting drawing"
)
NO_VERB_ED = _words("bed seed reed shed sled weed moped speed steed")
ACRONYMS = _words("dna gps dvd dj ct svg ai qr led ecg")
"""Titles in lower case hide that these are spelt out."""
AN_LETTERS = frozenset("aefhilmnorsx")
"""Letters whose names begin with a vowel."""
AN_WORDS = ("hour", "honest", "heir", "honour", "sos")
A_WORDS = ("uni", "use", "usa", "eu", "one", "ufo", "uk", "ut", "ukulele", "once")

_FILE_NAME = re.compile(
    r"\.[a-z0-9]{2,4}$|^(?=.*\d)[0-9a-f_\-. ]{4,}$|^(img|dsc|image|pic)[_\- ]?\d", re.I
)


def is_title(text: str | None) -> bool:
    """True when a text says something to a person; false for file names and numbers."""
    if text is None:
        return False
    clean = " ".join(text.split())
    return bool(re.search(r"[^\W\d_]", clean)) and not _FILE_NAME.search(clean)


def subject_of(title: str) -> str:
    """The subject of a caption.

    >>> subject_of("raccoon"), subject_of("scissors"), subject_of("flag: Sweden")
    ('A raccoon', 'Scissors', 'A flag of Sweden')
    """
    text = " ".join(title.replace('"', "'").split()).strip(" .;:,–")
    text = " ".join(word.upper() if word in ACRONYMS else word for word in text.split())
    kind, colon, detail = (part.strip() for part in text.partition(": "))
    if colon and kind and detail:
        text = _with_detail(kind, detail)
    phrase = _with_article(re.sub(r"\s*,\s*", " – ", text))
    return phrase[:1].upper() + phrase[1:]


def _with_detail(kind: str, detail: str) -> str:
    """Titles of the form `kind: detail`, as emoji have them."""
    parts = detail.split(", ")
    people = "kiss", "family", "couple with heart"
    if kind.lower() == "flag":
        return f"{kind} of {_the_country(detail)}"
    if kind.lower() == "keycap":
        return f"{kind} showing {detail}"
    if kind.lower() in people:
        return f"{kind} of " + " and ".join(_with_article(part) for part in parts)
    if detail.startswith("facing "):
        return f"{kind} {detail}"
    if detail == "bald":
        return f"bald {kind}"
    if detail == "beard":
        return f"{kind} with a beard"
    if detail.endswith(" hair"):
        return f"{kind} with {detail}"
    return f"{kind} – {detail}"


def _the_country(name: str) -> str:
    plural = name.endswith(
        ("Islands", "States", "Emirates", "Netherlands", "Philippines", "Maldives")
    )
    article = (
        plural
        or name.endswith(("Republic", "Kingdom", "Territory", "Territories"))
        or name in ("Bahamas", "Gambia")
    )
    return f"the {name}" if article else name


def _with_article(text: str) -> str:
    words = text.split()
    if not words or not _wants_article(words):
        return text
    return f"{article_for(words[0])} {text}"


def _wants_article(words: list[str]) -> bool:
    first = words[0].lower().strip("'’“”(")
    if first in ALREADY_DETERMINED or _is_name(words):
        return False
    if first in NUMBERS and not words[-1].endswith(("o’clock", "o'clock", "-thirty")):
        last = words[-1].lower()
        return not (is_plural(last) or last in ONE_OR_MANY)
    if first.endswith("ing") and first not in NO_VERB_ING:
        alone = len(words) == 1 or words[1].lower() in BEFORE_NOUN_ENDS
        if alone:
            return False
    if len(words) == 1 and first.endswith("ed") and first not in NO_VERB_ED:
        return False
    noun = _main_noun(words)
    if words[-1].endswith(("o’clock", "o'clock", "-thirty")):
        return False
    return not (is_plural(noun) or noun in UNCOUNTABLE)


def _is_name(words: list[str]) -> bool:
    """Every word capitalised: "Internet Explorer", "Leo"; but not "O button"."""
    content = [word for word in words if word.lower() not in CONNECTORS]
    return (
        bool(content)
        and all(word[0].isupper() or word[0].isdigit() for word in content)
        and (any(character.isupper() for word in content for character in word))
    )


def _main_noun(words: list[str]) -> str:
    for place, word in enumerate(words):
        lower = word.lower()
        verb = lower.endswith("ing") and lower not in NO_VERB_ING
        if place > 0 and (lower in BEFORE_NOUN_ENDS or word.startswith(("(", "–")) or verb):
            return words[place - 1].lower().strip("'’“”()!")
    last = words[-2] if len(words) > 1 and words[-1].lower() in ("up", "down") else words[-1]
    return last.lower().strip("'’“”()!")


def is_plural(noun: str) -> bool:
    """A guess from the ending of a lower-case noun."""
    if noun in IRREGULAR_PLURALS:
        return True
    singular = noun in SINGULAR_IN_S or noun.endswith(("ss", "us", "is", "’s", "'s", "wards"))
    return noun.endswith("s") and len(noun) > 2 and not singular


def article_for(word: str) -> str:
    """`a` or `an`, by sound as far as letters tell it."""
    bare = word.strip("'’“”(#*").lower()
    if not bare:
        return "a"
    head = re.split(r"[-!.,]", bare)[0]
    if bare[0].isdigit():
        vowel = bare.startswith(("8", "11", "18"))
    elif len(head) == 1 or (word[:2].isupper() and not re.search(r"[aeiou]", head)):
        vowel = head[:1] in AN_LETTERS
    elif bare.startswith(AN_WORDS):
        vowel = True
    else:
        vowel = bare[0] in "aeiou" and not bare.startswith(A_WORDS)
    return "an" if vowel else "a"
