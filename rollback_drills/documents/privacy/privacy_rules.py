"""Which texts may not stand in a document that is meant to be public."""

import json
import re
from collections.abc import Callable
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Final

import msgspec
import re2

from rollback_drills.documents.privacy.host_loosely import LOOSE_HOST
from rollback_drills.documents.privacy.password_words import LOOSE_FOREIGN, LOOSE_TOOL, PASSWORDS, TOOL
from rollback_drills.documents.privacy.secret_values import (
    ASSIGNED,
    DESCRIBED,
    ENCODED,
    FLAG,
    NAMES,
    PAIR,
    RANDOM,
    RANDOM_SIGN,
    SCHEME,
    follows_flag,
    follows_scheme,
    is_assigned,
    is_described,
    is_encoded_pair,
    is_pair,
    is_random,
)
from rollback_drills.documents.privacy.shown_text import LOOSE_DISGUISE, read_as_shown
from rollback_drills.documents.privacy.typed_secrets import (
    CODE,
    HEX_KEY,
    LOOSE_CODE,
    LOOSE_HEX_KEY,
    LOOSE_PGPASS,
    PGPASS,
    is_line_of_passwords,
)
from rollback_drills.redaction.token_forms import TOKEN, TOKEN_START


class PrivateKind(StrEnum):
    """Why a text may not be published."""

    URL = "a URL"
    HOST = "a host name or address"
    EMAIL = "an e-mail address"
    CREDENTIAL = "what looks like a credential"
    PATH = "a private path"
    CONTROL = "a control character"


# A scheme that reaches a machine is refused; an opaque reference such as
# go-rollback-drill://ci/run-7 is not, unless its authority looks like a host.
_SCHEMES = (
    r"https?|wss?|ftps?|sftp|ssh|git|svn|file|ldaps?|smtps?|imaps?|pop3s?|amqps?|rediss?|mongodb(?:\+srv)?"
    r"|postgres(?:ql)?(?:\+\w+)?|mysql(?:\+\w+)?|mariadb|mssql(?:\+\w+)?|sqlserver|oracle|clickhouse|couchbases?"
    r"|cassandra|neo4j|bolt|jdbc:\w+|odbc:\w+|tcp|udp|grpcs?|nats|mqtts?|kafka|smb|nfs|rdp|vnc|telnet|rtsps?|sb"
)
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
# Numbers with three dots are also versions and sections, if the word before them says so.
_NUMBERED = (
    r"(?i:\b(?:versions?|ver|release|build|revision|firmware|driver|section|chapter|clause|step|item|paragraph|appendix"
    r"|control)[ :=]{1,2}|§ ?)$"
)


def _is_anything(_: re.Match[str]) -> bool:
    return True


class Rule(msgspec.Struct, frozen=True, dict=True):
    """A shape that is private; `loose` finds it too, among other texts, in the bytes of a document."""

    kind: PrivateKind
    pattern: str
    loose: str
    """For RE2, which knows nothing of what surrounds a match."""
    confirm: Callable[[re.Match[str]], bool] = _is_anything
    """Whether a match of the pattern is what it looks like."""
    flags: re.RegexFlag = re.ASCII

    @cached_property
    def exact(self) -> re.Pattern[str]:
        """The pattern, compiled when it is first needed: few documents hold anything suspicious."""
        return re.compile(self.pattern, self.flags)

    def refuses(self, text: str) -> bool:
        """Whether something of this shape is in the text."""
        return any(self.confirm(found) for found in self.exact.finditer(text))


def _is_address(found: re.Match[str]) -> bool:
    """Whether four numbers are an address, and no version that is called one."""
    start = found.start()
    return not re.search(_NUMBERED, found.string[max(0, start - 16) : start])


def _is_ipv6(found: re.Match[str]) -> bool:
    from ipaddress import IPv6Address

    try:
        IPv6Address(found[0])
    except ValueError:
        return False
    return True


# Starts only where a name starts, and never goes back: linear, whatever the text is.
_DOTTED = r"(?<![\w-])[\w-]++(?:\.[\w-]++)++"


def _is_host(found: re.Match[str]) -> bool:
    # the lists of suffixes are read when a document first holds something like a host
    from rollback_drills.documents.privacy.host_names import is_host

    return is_host(found)


RULES: Final = (
    Rule(
        PrivateKind.CREDENTIAL,
        rf"{TOKEN}|-----BEGIN",
        rf"{TOKEN_START}|-----BEGIN",
    ),
    Rule(
        PrivateKind.CREDENTIAL,
        ASSIGNED,
        rf"(?i:{PASSWORDS}|(?:\bpw|_pw|\bpsk|_psk|_pass|_auth|_pat|{NAMES})[\w-]*['\"`\\]*\s*[:=：>])",
        is_assigned,
    ),
    Rule(
        PrivateKind.CREDENTIAL,
        SCHEME,
        r"(?i:\b(?:bearer|basic|geniekey|splunk|token|apikey)\s+[\w+/=.~-]{8})",
        follows_scheme,
    ),
    Rule(
        PrivateKind.CREDENTIAL,
        FLAG,
        rf"(?i:-(?:pass|token|secret|api-?key)\s)|(?i:pass(?:word|wd|wort|phrase)|pwd)\s|(?:{LOOSE_FOREIGN})\s",
        follows_flag,
        re.UNICODE,
    ),
    Rule(PrivateKind.CREDENTIAL, TOOL, LOOSE_TOOL, follows_flag),
    Rule(PrivateKind.CREDENTIAL, DESCRIBED, rf"(?i:{PASSWORDS})|{LOOSE_FOREIGN}", is_described, re.UNICODE),
    Rule(PrivateKind.CREDENTIAL, PAIR, r"(?:-u|--user|--userpwd)[ =]|:[^\s:@/\"]+@[\w\[]", is_pair),
    Rule(PrivateKind.CREDENTIAL, r"(?i:(?<!\w)sig(?:nature)?=[\w%+/-]{16})", r"(?i:sig(?:nature)?=)"),
    Rule(PrivateKind.CREDENTIAL, RANDOM, RANDOM_SIGN, is_random),
    Rule(PrivateKind.CREDENTIAL, ENCODED, RANDOM_SIGN, is_encoded_pair),
    Rule(PrivateKind.CREDENTIAL, CODE, LOOSE_CODE),
    Rule(PrivateKind.CREDENTIAL, HEX_KEY, LOOSE_HEX_KEY),
    Rule(PrivateKind.CREDENTIAL, PGPASS, LOOSE_PGPASS, is_line_of_passwords),
    Rule(
        PrivateKind.URL,
        rf"(?i:\b(?:{_SCHEMES})://)|://[^/\s]*[@:.]|\bwww\.|\bjdbc:\w+:\S",
        rf"(?i:\b(?:{_SCHEMES})://)|://[^/\s\"]*[@:.]|\bwww\.|\bjdbc:\w+:",  # a quote ends the text
    ),
    # JSON escapes all but DEL; a terminal or a database may stumble over any of them. A text of blanks is no
    # name.
    Rule(PrivateKind.CONTROL, r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", r"\x7f|\\|\" +\""),
    Rule(
        PrivateKind.EMAIL,
        # the last label is no number: lodash@4.17.21 is a package
        r"(?<![\w.+-])[\w.+-]+@(?:[\w-]+\.)+(?:[A-Za-z]{2,}|xn--[\w-]+)(?![\w-])",
        r"[\w.+-]@[\w-]+\.",
    ),
    Rule(
        PrivateKind.PATH,
        r"(?<![\w.)\]/])/(?:home|Users|root|etc|var|opt|srv|mnt|media|tmp|usr|private|Volumes|proc|run|data)"
        r"(?![\w-])|(?<!\w)~(?:[A-Za-z_][\w-]*)?/|\$\{?HOME\}?/|%(?:APPDATA|USERPROFILE|HOMEPATH|PROGRAMDATA)%|\b[A-Za-z]:[\\/]|\\\\\w|(?<![^/])\.\./|(?<![^/])private/",
        r"[^\w.)\]/]/(?:home|Users|root|etc|var|opt|srv|mnt|media|tmp|usr|private|Volumes|proc|run|data)"
        r"|~|HOME\}?/|%[A-Z]+%|\b[A-Za-z]:/|\\|\.\./|private/",
    ),
    Rule(
        PrivateKind.HOST,
        rf"(?<![\w.]){_OCTET}(?:\.{_OCTET}){{3}}(?!\w|\.\w)",
        rf"{_OCTET}(?:\.{_OCTET}){{3}}",
        _is_address,
    ),
    Rule(PrivateKind.HOST, r"(?i:\bip(?:-[0-9]{1,3}){4}\b)", r"(?i:\bip-[0-9])"),
    Rule(
        PrivateKind.HOST,
        # eight groups, or the six of a network card, which hold a letter; other numbers are a ratio or times
        r"(?<![\w:])(?:(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}"
        r"|(?=[0-9:]{0,16}[a-fA-F])(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2})(?![\w:])|(?<!\w)::1\b|\[::\]"
        r"|(?<![\w:])(?=[a-fA-F:]*[0-9])(?:[0-9a-fA-F]{1,4}:){1,6}(?::[0-9a-fA-F]{1,4}){1,6}(?![\w:])",
        r"(?:[0-9a-fA-F]{1,4}:){4}|::",
    ),
    Rule(
        PrivateKind.HOST,
        r"(?<![\w:])(?=[a-fA-F:]*[0-9])(?:[0-9a-fA-F]{1,4}:){1,7}:(?![\w:])",
        "::",
        _is_ipv6,
    ),
    Rule(PrivateKind.HOST, r"(?i:\blocalhost\b)", r"(?i:localhost)"),
    Rule(PrivateKind.HOST, _DOTTED, LOOSE_HOST, _is_host, re.UNICODE),
)


def _compile_loose() -> re2.Set:
    """Make one automaton of all loose patterns: it reads bytes in linear time, but knows no surroundings."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    loose = re2.Set.SearchSet(options)
    loose.Add("|".join([LOOSE_DISGUISE, *(rule.loose for rule in RULES)]).encode())
    loose.Compile()
    return loose


_loose = _compile_loose()


def may_hold_private(data: bytes) -> bool:
    """Whether a JSON document may hold a text that `find_private` refuses; False is certain.

    An escaped character counts as suspicious, because it may stand for anything.
    """
    return _loose.Match(data) is not None


@lru_cache(maxsize=10_000)
def find_private(text: str) -> PrivateKind | None:
    """Return what makes a text unfit to be published, or None if nothing does.

    Source of the rule: contract §1 (only metadata that may be public).
    """
    # as it would stand in a document; the automaton takes a hundredth of the time of the rules
    if not may_hold_private(json.dumps(text).encode()):
        return None
    return _judge(text) or (_judge(shown) if (shown := read_as_shown(text)) != text else None)


def _judge(text: str) -> PrivateKind | None:
    return next((rule.kind for rule in RULES if rule.refuses(text)), None)
