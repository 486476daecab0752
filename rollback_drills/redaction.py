"""Takes secrets out of text: every known value first, then whatever looks like a credential."""

import html
import json
import logging
import re
import traceback
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

REDACTED: Final = "[redacted]"
_SHORTEST_KNOWN: Final = 4  # shorter values would blank out innocent text
_SHORTEST_PATH_PART: Final = 8
_TOO_DEEP: Final = 50

# A path segment such as "services" or "rollback-drills" names a route; keys have digits, capitals or length.
_WORDS = re.compile(r"[a-z]{1,15}(?:[-_][a-z]{1,15})*|IncomingWebhook")

_KEEP_FIRST_GROUP = rf"\g<1>{REDACTED}"
# Bodies of strangers go through these: every repetition that can fail late has a bound.
_PATTERNS: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # Slack and Teams: the path is the credential.
        (
            r"((?i:hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/))[^\s\"'<>\\)]+",
            _KEEP_FIRST_GROUP,
        ),
        (r"(/services/)T\w+/B\w+/\w+", _KEEP_FIRST_GROUP),
        (r"((?i:webhook\.office\.com)(?::\d+)?/)[^\s\"'<>\\)]+", _KEEP_FIRST_GROUP),
        # Query values, also in a percent-encoded URL.
        (
            (
                r"(?i)((?:[?&;]|%3F|%26)(?:sig|signature|(?:access_|refresh_)?token|key|api_?key|(?:client_)?secret"
                r"|password|passwd|routing_key)(?:=|%3D))(?:(?!%26)[^&\s\"'<>\\#])+"
            ),
            _KEEP_FIRST_GROUP,
        ),
        (r"(?i)(\bsig=)[^&\s\"'<>\\#]+", _KEEP_FIRST_GROUP),
        # Headers, as a header line, a dictionary or a keyword.
        (
            (
                r"(?i)((?:authorization|x-api-key|x-sn-apikey|dd-api-key|api-key|x-auth-token)\\?[\"']?\s*[:=]\s*"
                r"\\?[\"']?(?:(?:Bearer|Basic|GenieKey|Splunk|Token)\s+)?)"
                r"(?!\[redacted\]|(?:Bearer|Basic|GenieKey|Splunk|Token)\s)[^\s\"',}\\]+"
            ),
            _KEEP_FIRST_GROUP,
        ),
        (
            r"((?i:\b(?:Bearer|Basic|GenieKey|Splunk))\s+)(?=[a-z.~+/-]*[0-9A-Z_=])[\w.~+/=-]{8,}",
            _KEEP_FIRST_GROUP,
        ),
        # Tokens that show what they are.
        (r"\bxox[a-z]-[\w-]{4,}|\bxapp-[\w-]{4,}", REDACTED),
        (r"\bgh[a-z]_\w{10,}|\bgithub_pat_\w{10,}", REDACTED),
        (r"\bwhsec_[\w+/=-]{4,}", REDACTED),
        (r"\bATATT[\w=-]{16,}", REDACTED),
        (r"\beyJ[\w-]{6,1000}\.[\w-]+(?:\.[\w-]*)?", REDACTED),
        # user:password@ in a URL.
        (r"(\b[a-zA-Z][\w+.-]{0,20}://)[^/\s@\"'<>\[]+@", rf"\g<1>{REDACTED}@"),
    )
)


class Redactor:
    """Replaces the secrets it was told, in every form in which servers and libraries echo them."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Learn the secret values; of a URL also the parts of its path and query, which servers echo."""
        known = {form for secret in secrets for part in _parts_of(secret) for form in _forms_of(part)}
        # Longest first, so that a secret that contains another one does not leave its ends behind.
        alternatives = sorted(
            (form for form in known if len(form) >= _SHORTEST_KNOWN), key=lambda f: (-len(f), f)
        )
        self._known = re.compile("|".join(map(_as_pattern, alternatives))) if alternatives else None

    def text(self, text: str) -> str:
        """Return the text without secrets."""
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def value(self, value: Any) -> Any:
        """Return a JSON-like value without secrets, in its keys and its texts at any depth."""
        return self._value(value, 0)

    def _value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if depth > _TOO_DEEP:
            return REDACTED
        if isinstance(value, dict):
            return {
                self._value(key, depth + 1): self._value(inner, depth + 1) for key, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._value(inner, depth + 1) for inner in value]
        if isinstance(value, bytes):
            return self.text(value.decode(errors="replace"))
        return value


class RedactingFilter(logging.Filter):
    """Redacts the message and the traceback of every record that passes.

    Add it to handlers: a filter of a logger does not see the records of the loggers below it.
    """

    def __init__(self, redactor: Redactor) -> None:
        """Redact with this redactor."""
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; every record passes."""
        record.msg = self._redactor.text(record.getMessage())
        record.args = None
        if record.exc_info:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip()
            record.exc_info = None
        if record.exc_text:
            record.exc_text = self._redactor.text(record.exc_text)
        if record.stack_info:
            record.stack_info = self._redactor.text(record.stack_info)
        return True


def _as_pattern(form: str) -> str:
    """Match a form literally, except that the hexadecimal digits of %2F may be small."""
    return re.sub(r"%[0-9A-F]{2}", lambda match: f"(?i:{match[0]})", re.escape(form))


def _parts_of(secret: str) -> Iterator[str]:
    secret = secret.strip()
    yield secret
    if "://" not in secret:
        return
    try:
        url = urlsplit(secret)
        userinfo = (url.username or "", url.password or "")
    except ValueError:
        return
    query = f"?{url.query}" if url.query else ""
    for whole in (url.path + query, url.path, url.path.lstrip("/"), url.query):
        # "/" or "/hook" alone would blank out innocent text.
        if len(whole) >= _SHORTEST_PATH_PART and not _WORDS.fullmatch(whole):
            yield whole
    for segment in url.path.split("/"):
        if len(segment) >= _SHORTEST_PATH_PART and not _WORDS.fullmatch(segment):
            yield segment
            yield unquote(segment)
    for _, value in parse_qsl(url.query):
        yield value
    if any(userinfo):
        yield from (unquote(part) for part in userinfo)
        yield ":".join(map(unquote, userinfo))


def _forms_of(value: str) -> Iterator[str]:
    raw = value.encode(errors="replace")
    encoded = [b64encode(raw).decode(), urlsafe_b64encode(raw).decode()]
    for text in (value, *encoded, *(form.rstrip("=") for form in encoded)):
        yield text
        yield quote(text, safe="", errors="replace")
        yield quote(text, errors="replace")
        yield quote_plus(text, errors="replace")
        for escaped in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
            yield escaped
            yield escaped.replace("/", "\\/")
        yield html.escape(text)
        yield repr(text)[1:-1]
