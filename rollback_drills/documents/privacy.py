"""Which texts may not stand in a document that is meant to be public."""

import re
from collections.abc import Iterable
from enum import StrEnum


class PrivateKind(StrEnum):
    """Why a text may not be published."""

    URL = "a URL"
    HOST = "a host name or address"
    EMAIL = "an e-mail address"
    CREDENTIAL = "what looks like a credential"
    PATH = "a private path"


# Shapes that cannot be private unless they hold a mark, for speed: words that are too short for the other
# credentials below, a document in docs/, and an opaque reference such as go-rollback-drill://ci/run-7.
_PLAIN_LINES = re.compile(
    r"(?:(?:[\w-]{0,15}|[\w +-]{0,13}|docs/[\w-]{1,15}\.md"
    r"|[a-z]+(?:-[a-z]+)*-drill://[\w-]{1,15}(?:/[\w-]{1,15}){0,4})\n)*",
    re.ASCII,
)
_MARKS = ("xox", "xapp-", "github_pat_", "glpat-", "whsec_", "-----", "localhost", "private", "-/")

_CREDENTIAL = re.compile(
    r"xox[a-z]-|xapp-|gh[opsur]_\w{16}|github_pat_|glpat-|whsec_|sk-\w{16}|-----BEGIN"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{12}"
    r"|\beyJ[\w-]{8,}\.[\w-]+"
    r"|(?i:\b(?:bearer|basic|geniekey|splunk)\s+[\w+/=.-]{8,})"
    r"|(?i:(?:password|passwd|secret|token|api[_-]?key|authorization|credential)s?['\"]?\s*[:=]\s*\S)"
    r"|(?<![\w/+-])(?=[\w+/-]*[0-9])(?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])[\w+-]{32,}={0,2}",
    re.ASCII,
)
# Every scheme that reaches a machine is refused; an opaque reference such as
# go-rollback-drill://ci/run-7 is not, unless its authority looks like a host.
_URL = re.compile(
    r"(?i:\b(?:https?|wss?|ftps?|sftp|ssh|git|file|ldaps?|smtps?|amqps?|rediss?|mongodb(?:\+srv)?"
    r"|postgres(?:ql)?|mysql|mssql|jdbc:\w+|tcp|udp|grpc|nats|mqtt)://)"
    r"|://[^/\s]*[@:.]"
    r"|\bwww\.",
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]+")
_PATH = re.compile(
    r"(?<![\w.)\]/])/(?:home|Users|root|etc|var|opt|srv|mnt|media|tmp|usr|private|Volumes|proc|run|data)(?![\w-])"
    r"|(?<!\w)~[\w-]*/|\b[A-Za-z]:[\\/]|\\\\\w|(?:^|/)\.\./|(?:^|/)private/"
)
_IPV4 = re.compile(r"(?<![\w.])(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}(?![\w.])")
_IPV6 = re.compile(
    r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{0,4}(?![\w:])|(?<!\w)::1\b"
    r"|(?<![\w:])(?=[a-fA-F:]*[0-9])(?:[0-9a-fA-F]{1,4}:){1,6}(?::[0-9a-fA-F]{1,4}){1,6}(?![\w:])"
)
# Suffixes of names that resolve. Country codes that are also file name endings
# (md, sh, py, rs, pl, ps, cc) are left out: "runbook.md" is no host.
_HOST = re.compile(
    r"\blocalhost\b|\b(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,10}"
    r"(?:com|net|org|io|dev|app|cloud|info|biz|edu|gov|mil|int|ai|co|tech|online|site|xyz"
    r"|internal|local|localdomain|corp|lan|intra|intranet|home|arpa|private|test|example|invalid|svc|onion"
    r"|de|fr|uk|nl|be|ch|at|eu|us|ca|au|nz|jp|cn|br|es|se|no|dk|fi|cz|pt|ie|in|ru|kr|sg|za|mx|ua)\b(?![\w/-]*\.)",
    re.IGNORECASE,
)
_CHECKS = (
    (PrivateKind.CREDENTIAL, _CREDENTIAL),
    (PrivateKind.URL, _URL),
    (PrivateKind.EMAIL, _EMAIL),
    (PrivateKind.PATH, _PATH),
    (PrivateKind.HOST, _IPV4),
    (PrivateKind.HOST, _IPV6),
    (PrivateKind.HOST, _HOST),
)


def are_plainly_public(texts: Iterable[str]) -> bool:
    """Whether all texts have a shape that cannot be private; False says nothing."""
    lines = "\n".join(texts) + "\n"
    lowered = lines.lower()
    return not any(mark in lowered for mark in _MARKS) and _PLAIN_LINES.fullmatch(lines) is not None


def find_private(text: str) -> PrivateKind | None:
    """Say what makes a text unfit to be published, or None if nothing does.

    Source of the rule: contract §1 (public-safe metadata only) and design §6.
    """
    return next((kind for kind, pattern in _CHECKS if pattern.search(text)), None)
