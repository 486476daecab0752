"""Which texts may not stand in a document that is meant to be public."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

import re2


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
    r"https?|wss?|ftps?|sftp|ssh|git|file|ldaps?|smtps?|amqps?|rediss?|mongodb(?:\+srv)?"
    r"|postgres(?:ql)?|mysql|mssql|jdbc:\w+|tcp|udp|grpc|nats|mqtt"
)
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
# Suffixes of names that resolve. Country codes that are also file name endings
# (md, sh, py, rs, pl, ps, cc) are left out: "runbook.md" is no host.
_SUFFIXES = (
    "com|net|org|io|dev|app|cloud|info|biz|edu|gov|mil|int|ai|co|tech|online|site|xyz"
    "|internal|local|localdomain|corp|lan|intra|intranet|home|arpa|private|test|example|invalid|svc|onion"
    "|de|fr|uk|nl|be|ch|at|eu|us|ca|au|nz|jp|cn|br|es|se|no|dk|fi|cz|pt|ie|in|ru|kr|sg|za|mx|ua"
)
_LOOKAROUND = re.compile(r"\(\?<?[!=][^()]*\)")


class Rule(NamedTuple):
    """A shape that is private; `loose` finds it too, among other texts, in the bytes of a document."""

    kind: PrivateKind
    exact: re.Pattern[str]
    loose: str


def _rule(kind: PrivateKind, exact: str, loose: str | None = None) -> Rule:
    """Make a rule; by default the loose pattern is the exact one without what it says of its surroundings."""
    return Rule(kind, re.compile(exact, re.ASCII), loose or _LOOKAROUND.sub("", exact))


RULES: Final = (
    _rule(
        PrivateKind.CREDENTIAL,
        r"xox[a-z]-|xapp-|gh[opsur]_\w{16}|github_pat_|glpat-|whsec_|sk-\w{16}|-----BEGIN"
        r"|\b(?:AKIA|ASIA)[0-9A-Z]{12}"
        r"|(?<![\w-])eyJ[\w-]{8,}\.[\w-]+"
        r"|(?i:\b(?:bearer|basic|geniekey|splunk)\s+[\w+/=.-]{8,})"
        r"|(?i:(?:password|passwd|secret|token|api[_-]?key|authorization|credential)s?['\"]?\s*[:=]\s*\S)",
    ),
    _rule(
        PrivateKind.CREDENTIAL,
        r"(?<![\w/+-])(?=[\w+-]*[0-9])(?=[\w+-]*[a-z])(?=[\w+-]*[A-Z])[\w+-]{32,}={0,2}",
        # among 32, a capital has at least 0, 8, 16 or 24 before it and the rest of 24 behind it
        r"[A-Z][\w+-]{24}|[\w+-]{8}[A-Z][\w+-]{16}|[\w+-]{16}[A-Z][\w+-]{8}|[\w+-]{24}[A-Z]",
    ),
    _rule(
        PrivateKind.URL,
        rf"(?i:\b(?:{_SCHEMES})://)|://[^/\s]*[@:.]|\bwww\.",
        rf"(?i:\b(?:{_SCHEMES})://)|://[^/\s\"]*[@:.]|\bwww\.",  # a quote ends the text
    ),
    # JSON escapes all but DEL; a terminal or a database may stumble over any of them. A text of blanks is no
    # name.
    _rule(PrivateKind.CONTROL, r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", r"\x7f|\\|\" +\""),
    _rule(PrivateKind.EMAIL, r"(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]+"),
    _rule(
        PrivateKind.PATH,
        r"(?<![\w.)\]/])/(?:home|Users|root|etc|var|opt|srv|mnt|media|tmp|usr|private|Volumes|proc|run|data)"
        r"(?![\w-])|(?<!\w)~[\w-]*/|\b[A-Za-z]:[\\/]|\\\\\w|(?<![^/])\.\./|(?<![^/])private/",
        r"[^\w.)\]/]/(?:home|Users|root|etc|var|opt|srv|mnt|media|tmp|usr|private|Volumes|proc|run|data)"
        r"|~|\b[A-Za-z]:/|\\|\.\./|private/",
    ),
    _rule(PrivateKind.HOST, rf"(?<![\w.]){_OCTET}(?:\.{_OCTET}){{3}}(?![\w.])"),
    _rule(
        PrivateKind.HOST,
        r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{0,4}(?![\w:])|(?<!\w)::1\b"
        r"|(?<![\w:])(?=[a-fA-F:]*[0-9])(?:[0-9a-fA-F]{1,4}:){1,6}(?::[0-9a-fA-F]{1,4}){1,6}(?![\w:])",
    ),
    _rule(
        PrivateKind.HOST,
        r"(?i:\blocalhost\b|\b(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,10}"
        rf"(?:{_SUFFIXES})\b(?![\w/-]*\.))",
        rf"(?i:\blocalhost\b|[a-z0-9]\.(?:{_SUFFIXES})\b)",
    ),
)


def _compile_loose() -> re2.Set:
    """Make one automaton of all loose patterns: it reads bytes in linear time, but knows no surroundings."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    loose = re2.Set.SearchSet(options)
    loose.Add("|".join(rule.loose for rule in RULES).encode())
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
    """Say what makes a text unfit to be published, or None if nothing does.

    Source of the rule: contract §1 (public-safe metadata only) and design §6.
    """
    return next((rule.kind for rule in RULES if rule.exact.search(text)), None)
