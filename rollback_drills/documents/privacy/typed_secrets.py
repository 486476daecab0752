"""Secrets that people type or keep in files: a PIN, the code of a door, a key in hexadecimal, `.pgpass`."""

import re
from typing import Final

from rollback_drills.documents.privacy.secret_values import is_placeholder, is_prose

_SAID: Final = r"\s{0,3}[:=]\s{0,3}|\s{1,3}(?:(?:is|was)\s{1,3}|(?:is|was)?\s?(?:set|changed)\sto\s{1,3})"
_OVER: Final = r"(?!\w|[.,:/-][0-9])"
_MIXED_GROUP: Final = r"(?=[a-z]*[0-9])(?=[0-9]*[a-z])[a-z0-9]{4,8}"
# "pin 4 of the header" and "the version pin 2026" are none
_PIN: Final = r"(?:(?:PIN|PUK)(?:[ -](?i:code|number))?|(?i:p(?:in|uk)[ -]code))"
CODE: Final = (
    rf"(?<![\w-])(?:{_PIN}(?:{_SAID}|\s{{1,3}})|pin\s?[:=]\s?)[0-9]{{4,8}}{_OVER}"
    rf"|(?<![\w-])(?i:(?:door|unlock|recovery)[ -]codes?)(?:(?:{_SAID})[0-9]{{4}}"
    rf"|(?:{_SAID}|\s{{1,3}})(?:[0-9]{{5,12}}|{_MIXED_GROUP}(?:-{_MIXED_GROUP})+)){_OVER}"
)
LOOSE_CODE: Final = r"P(?:IN|UK)\b|(?i:p(?:in|uk)[ -]code|\bpin\s?[:=]|(?:door|unlock|recovery)[ -]code)"

# Of the lengths of keys, and not of the fingerprint by which a public key is called.
_KEY_DIGITS: Final = r"(?:[0-9a-f]{64}|[0-9a-f]{48}|[0-9a-f]{32})(?![0-9a-f])"
_KEY_NAMES: Final = (
    "aes|hmac|chacha20|encryption|decryption|symmetric|shared|private|master|root|signing|session|client|service"
    "|webhook|ingest(?:ion)?|licen[cs]e|api|access|account|admin|auth"
)
HEX_KEY: Final = (
    rf"(?i:(?<![\w-])(?:{_KEY_NAMES})(?:[ _-]?[0-9]{{3}})?[ _-](?:key|secret)"
    rf"(?:{_SAID}|\s{{1,3}})[\"'`]?{_KEY_DIGITS})"
)
LOOSE_HEX_KEY: Final = r"(?i:(?:key|secret)[^\w][^\n]{0,16}[0-9a-f]{32})"

# https://www.postgresql.org/docs/current/libpq-pgpass.html
PGPASS: Final = (
    r"(?<![\w.:/*-])(?:\*|[\w.-]{1,100}):(?:\*|54[0-9]{2}|6432|6543):(?:\*|[\w.-]{1,63})"
    r":(?:\*|[A-Za-z_][\w.-]{0,62}):(?P<value>[^\s:\"'<>]{3,300})"
)
LOOSE_PGPASS: Final = r":(?:\*|54[0-9]{2}|6432|6543):[^\s:]{1,63}:"

_STATES: Final = frozenset(
    """
    active down follower green healthy idle leader primary readonly ready red replica standby writable yellow
    """.split()
)
"""What is said of a server behind its port."""


def is_line_of_passwords(found: re.Match[str]) -> bool:
    """Whether the last field of a line of `.pgpass` is a password, and no word of a state."""
    value = found["value"].rstrip(".,;)")
    is_word = value.isdigit() or value.lower() in _STATES or is_prose(value)
    return not is_word and not is_placeholder(value)
