"""Distinguishes the names of hosts from the names of files, keys and products, which are written alike."""

import re
from typing import Final
from unicodedata import normalize

from rollback_drills.documents.privacy.host_words import (
    ENVIRONMENT_FILES,
    ENVIRONMENTS,
    FILE_ENDINGS,
    FILE_STEMS,
    FILE_SUFFIXES,
    HOST_LABELS,
    IDENTIFIER_WORDS,
    PREPOSITIONS,
    SENTENCE_WORDS,
    SPECIAL_NAMES,
)
from rollback_drills.documents.privacy.public_suffixes import PUBLIC_SUFFIXES, TOP_LEVELS

_PORT: Final = r":[0-9]{2,5}(?![\w:.-])"
_NUMBERED: Final = frozenset({"cn", "com", "net", "org"})
"""Top-level domains in which names of digits alone are common."""
_BEFORE_DASH: Final = frozenset({"com", "net", "org"})
"""Top-level domains behind which more of a name may follow: `acme.com-backup`."""
_HOSTS_ONLY: Final = frozenset({"imap", "intranet", "ldap", "mail", "smtp", "sso", "vpn"})
"""First labels that no file has."""
_COUNTRIES: Final = frozenset({"pl", "rs"})
"""File endings that are countries too: three labels are taken for a host, such as `api.acme.pl`."""
_SCRIPTS: Final = frozenset({"build", "test"})
"""First labels that scripts have too, such as `test.rollback.pl`: these are not taken for hosts."""
_NO_WORDS: Final = TOP_LEVELS - FILE_ENDINGS.keys() - IDENTIFIER_WORDS | SPECIAL_NAMES


def is_host(found: re.Match[str]) -> bool:
    """Whether a dotted name names a host.

    Args:
        found: A whole name with at least one dot; what surrounds it in its text counts.
    """
    labels = found[0].split(".")
    names = [_fold(label) for label in labels]
    *_, before, last = names
    stem, dash, _ = last.partition("-")
    if last.startswith("xn--") or (dash and stem in _BEFORE_DASH):
        return True
    if last not in TOP_LEVELS and last not in SPECIAL_NAMES:
        return False
    if _is_file(found, before, last) or _is_identifier(names) or _begins_sentence(labels):
        return False
    if last in _NO_WORDS:
        return last in _NUMBERED or any(character.isalpha() for name in names[:-1] for character in name)
    if _is_below_public_suffix(names):
        return True
    has_host_label = len(names) > 2 and bool(re.fullmatch(HOST_LABELS, names[0]))
    if last in FILE_ENDINGS:  # db1.acme.rs is a host, db.backup.sh a script
        return has_host_label and (
            (last in _COUNTRIES and names[0] not in _SCRIPTS)
            or names[0][-1].isdigit()
            or names[0] in _HOSTS_ONLY
        )
    return has_host_label or bool(re.match(_PORT, found.string[found.end() : found.end() + 8]))


def _fold(label: str) -> str:
    return label.lower() if label.isascii() else normalize("NFKC", label).casefold()


def _is_below_public_suffix(names: list[str]) -> bool:
    return any(".".join(names[-count:]) in PUBLIC_SUFFIXES for count in range(2, min(len(names), 5)))


def _is_file(found: re.Match[str], before: str, last: str) -> bool:
    stem = before.rpartition("-")[2]
    if stem in FILE_STEMS.get(last, ()) or (last in ENVIRONMENTS and stem in ENVIRONMENT_FILES):
        return True
    if before in FILE_SUFFIXES and (last in ENVIRONMENTS or last in FILE_ENDINGS or last in {"in", "new"}):
        return True
    start = found.start()
    begins_with_dot = found.string[start - 1 : start] == "." and found.string[start - 2 : start - 1] != "*"
    return begins_with_dot and last in ENVIRONMENTS


def _is_identifier(names: list[str]) -> bool:
    *_, before, last = names
    if last in SPECIAL_NAMES:
        return False
    if "_" in before or (len(last) > 3 and any("_" in name[1:] for name in names)):
        return True  # no name that can be registered holds one
    if last in PREPOSITIONS and before.endswith("ed"):
        return True
    if len(names) < 3:
        return False
    is_package = names[0] in _BEFORE_DASH and len(last) > 3  # a host turned round: com.acme.bank
    return is_package or all(len(name) == 1 for name in names[:-1])  # an abbreviation: i.e.in


def _begins_sentence(labels: list[str]) -> bool:
    *_, before, last = labels
    return (last in SENTENCE_WORDS and before[-1:].islower()) or (before.islower() and last.istitle())
