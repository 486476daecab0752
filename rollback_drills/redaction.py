"""Takes secrets out of text: every known value first, then whatever looks like a credential."""

import json
import logging
import re
import threading
import traceback
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html.entities import codepoint2name
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit

import re2

REDACTED: Final = "[redacted]"
_REDACTED_BYTES: Final = REDACTED.encode()
_SHORTEST_KNOWN: Final = 4  # shorter values would blank out innocent text
_SHORTEST_PART: Final = 8
_LONGEST_PIECE: Final = 900
_LONGEST_VALUE: Final = 16_384  # the start of a longer one is known; no key is longer
_LARGEST_PATTERN_BYTES: Final = 512 * 1024  # re2 gives up on twice as much
_TOO_DEEP: Final = 50
_MOST_MEMORY_BYTES: Final = 64 * 1024 * 1024  # of an automaton; with less, that of many secrets turns slow
_RECORD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

# A path segment such as "services" or "rollback-drills" names a route; keys have digits, capitals or length.
_WORDS = re.compile(r"[a-z]{1,15}(?:[-_][a-z]{1,15})*|IncomingWebhook")
# Nor is it a key what others may write too: words, a type of content, a date, a number.
_PLAIN = re.compile(r"[a-z]{1,15}(?:[-_/.+][a-z]{1,15})*|IncomingWebhook|[\W\d_]*")
_CREDENTIAL = re.compile(r"(?i)sig|token|key|secret|pass|auth|code")
_TOKENS = re.compile(r"(?:%[0-9A-Fa-f]{2})+|[ \t\n\r\f\v]+|.", re.DOTALL)

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

# One of these is in every text in which a pattern finds something; one look in linear time instead of many.
_TRIGGERS: Final = re2.compile(
    r"(?i)hooks\.slack|/services/T|webhook\.office\.com|(?:=|%3D)|://|eyJ|ATATT|xox[a-z]-|xapp-|gh[a-z]_|github_pat_"
    r"|whsec_|authorization|api-?key|auth-token|bearer|basic|geniekey|splunk"
)


class Redactor:
    """Replaces the secrets it was told, in every form in which servers and libraries echo them."""

    def __init__(self, secrets: Iterable[str] = (), *, spare_words: bool = False) -> None:
        """Learn the secret values; of a URL also the parts of its path and query, which servers echo.

        Args:
            secrets: The values.
            spare_words: Take a part of a value for a secret only if it looks like a key. Others may write its
                words, dates and numbers, and a redactor of everything must leave those alone.
        """
        parts = {
            piece
            for secret in secrets
            for part in _parts_of(secret, spare_words=spare_words)
            for written in (part, unquote(part))
            for piece in _pieces_of(written)
        }
        texts = {_as_text(part) for part in parts if len(part) >= _SHORTEST_KNOWN}
        # Base64 last: what it takes along on both sides must not be the half of another secret.
        self._known = (
            *_compile(texts),
            *_compile({_from_base64(each) + _PADDING for part in parts for each in _as_base64(part)}),
            *_compile({_from_base64(each) for part in parts for each in _within_base64(part)}, _BASE64),
        )

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: the values never leave the process."""
        raise TypeError("a redactor holds secrets and cannot be pickled")

    def text(self, text: str) -> str:
        """Return the text without secrets."""
        # Surrogates pass: a text of JSON may hold half a pair, and must come out as it was.
        data = text.encode(errors="surrogatepass")
        for known in self._known:
            if known.search(data):
                data = known.sub(_REDACTED_BYTES, data)
                text = data.decode(errors="surrogatepass")
        if _TRIGGERS.search(data):
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


class _SecretsInUse:
    """The values that this process has opened; they stay in its memory, where they are anyway."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: set[str] = set()
        self._redactor: Redactor | None = None

    def remember(self, values: Iterable[str]) -> None:
        new = [value for value in values if value not in self._values]
        if new:
            with self._lock:
                self._values.update(new)
                self._redactor = None

    def redactor(self) -> Redactor:
        redactor = self._redactor
        if redactor is None:
            with self._lock:
                redactor = self._redactor = self._redactor or Redactor(self._values, spare_words=True)
        return redactor


_in_use: Final = _SecretsInUse()


def remember_secrets(values: Iterable[str]) -> None:
    """Let `redactor_in_use` know values that were opened; cheap for those that it knows."""
    _in_use.remember(values)


def redactor_in_use() -> Redactor:
    """Give a redactor that knows every secret opened in this process so far; ask anew for each text.

    It is made anew only after a new value was opened.
    """
    return _in_use.redactor()


class RedactingFilter(logging.Filter):
    """Redacts the message, the traceback and the extra texts of every record that passes.

    Add it to handlers: a filter of a logger does not see the records of the loggers below it.
    """

    def __init__(self, redactor: Redactor | None = None) -> None:
        """Redact with this redactor; by default with everything in use at the moment of the record."""
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record where it holds a secret; every record passes."""
        redactor = self._redactor or redactor_in_use()
        if record.exc_info and not record.exc_text:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        message = _message_of(record)
        texts = {name: value for name, value in vars(record).items() if _is_shown(name, value)}
        whole = "\n".join((message, *texts.values()))
        if redactor.text(whole) == whole:  # nearly always
            return True
        record.msg, record.args, record.exc_info = redactor.text(message), None, None
        for name, text in texts.items():
            setattr(record, name, redactor.text(text))
        return True


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit are for the handler to report, not for a filter
        return f"{record.msg} {record.args}"


def _is_shown(name: str, value: object) -> bool:
    is_text = name in ("exc_text", "stack_info") or name not in _RECORD_FIELDS
    return is_text and isinstance(value, str)


def _compile(alternatives: Iterable[bytes], around: bytes = b"") -> Iterator[Any]:
    """Make automatons that take the longest at each place, in linear time; one, unless it would be too large.

    They read bytes: no character of UTF-8 is found within another one.
    """
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.longest_match = True
    options.never_capture = True
    options.max_mem = _MOST_MEMORY_BYTES
    options.log_errors = False  # it writes the pattern itself to stderr
    some: list[bytes] = []
    size = 0
    for each in (*sorted(alternatives), None):
        if some and (each is None or size + len(each) > _LARGEST_PATTERN_BYTES):
            yield re2.compile(b"%s(?:%s)%s" % (around, b"|".join(some), around), options)
            some, size = [], 0
        if each is not None:
            some.append(each)
            size += len(each)
    re2.purge()  # its cache would keep a hundred automatons, and the values in them


def _parts_of(secret: str, *, spare_words: bool) -> Iterator[str]:
    secret = secret.strip()[:_LONGEST_VALUE]
    yield secret
    yield from filter(_is_key, secret.split())
    if secret.startswith("whsec_"):
        yield secret.removeprefix("whsec_")
    if secret.startswith("{"):
        yield from filter(_is_key, _texts_of(secret))
    if "://" in secret:
        for part, is_secret in _parts_of_url(secret):
            if is_secret or not spare_words or any(map(_is_key, re.split("[/?&=]", part))):
                yield part


def _pieces_of(part: str) -> Iterator[str]:
    """Cut a long value, such as a file of keys, into equal pieces: each is known for itself."""
    size = -(-len(part) // -(-len(part) // _LONGEST_PIECE)) if part else 1
    yield from (part[start : start + size] for start in range(0, len(part), size))


def _texts_of(document: str) -> Iterator[str]:
    try:
        pending = [json.loads(document)]
    except (ValueError, RecursionError):
        return
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            pending += value.values() if isinstance(value, dict) else value


def _parts_of_url(secret: str) -> Iterator[tuple[str, bool]]:
    """Give the parts of a URL that are echoed alone; True with those that can be nothing but secret."""
    try:
        url = urlsplit(secret)
        user, password = unquote(url.username or ""), unquote(url.password or "")
    except ValueError:
        return
    query = f"?{url.query}" if url.query else ""
    for whole in (url.path + query, url.path, url.path.lstrip("/"), url.query, *url.path.split("/")):
        # "/" or "/hook" alone would blank out innocent text.
        if len(whole) >= _SHORTEST_PART and not _WORDS.fullmatch(whole):
            yield whole, False
    for name, value in parse_qsl(url.query):
        yield value, _CREDENTIAL.search(name) is not None
    if user or password:
        yield from ((user, False), (password, True), (f"{user}:{password}", bool(password)))


def _is_key(part: str) -> bool:
    return len(part) >= _SHORTEST_PART and not _PLAIN.fullmatch(part)


def _as_text(value: str) -> bytes:
    """Match a value with each of its characters as it is or escaped in any way."""
    return b"".join(map(_as_token, _TOKENS.findall(value)))


def _as_token(token: str) -> bytes:
    if token.isspace() and token.isascii():
        return _SPACES
    if len(token) == 1:
        return _as_character(token)
    escapes = [_as_character("%") + b"(?i:%s)" % digits.encode() for digits in token.split("%")[1:]]
    try:
        decoded = unquote(token, errors="strict")
    except UnicodeDecodeError:
        return b"".join(escapes)
    return b"(?:%s|%s)" % (b"".join(escapes), b"".join(map(_as_character, decoded)))


@lru_cache(maxsize=1000)
def _as_character(char: str) -> bytes:
    """Match a character as it is, or escaped for a URL, JSON, a programming language, Markdown or HTML."""
    if char.isascii() and char.isalnum():
        return char.encode()
    code = ord(char)
    units = memoryview(char.encode("utf-16", "surrogatepass")).cast("H")[1:]
    escapes = [
        b"".join(b"%%(?:25){0,3}%02x" % byte for byte in char.encode(errors="replace")),
        b"".join(rb"\\+u%04x" % unit for unit in units),
        rb"\\+x%02x" % code if code < 0x100 else rb"\\+(?:U%08x|u\{%x\})" % (code, code),
        b"&(?:amp;)*(?:#0*%d|#x0*%x|%s);" % (code, code, codepoint2name.get(code, "#").encode()),
    ]
    raw = re2.escape(char.encode(errors="surrogatepass"))
    if char.isascii():
        raw = rb"\\*" + raw
    elif 0xD800 <= code < 0xE000:
        raw += b"|\\?|\xef\xbf\xbd"  # half a pair has no bytes, and is replaced where it is written
    return b"(?:%s|(?i:%s))" % (raw, b"|".join(escapes))


def _as_base64(part: str) -> Iterator[bytes]:
    encoded = b64encode(part.encode(errors="replace")).rstrip(b"=")
    if len(encoded) >= _SHORTEST_KNOWN:
        yield encoded


def _within_base64(part: str) -> Iterator[bytes]:
    """Give what base64 of more than the value has in it, such as that of `user:password`."""
    raw = part.encode(errors="replace")
    for before, skipped in enumerate((0, 2, 3)):
        # Without the characters at both ends that hold bits of the neighbours too.
        encoded = b64encode(bytes(before) + raw)[skipped : (before + len(raw)) * 8 // 6]
        if len(encoded) >= _SHORTEST_PART:
            yield encoded


def _from_base64(text: bytes) -> bytes:
    return b"".join(_ALPHABETS.get(char) or char.encode() for char in text.decode())


# Whoever writes a text in one line folds its blanks.
_SPACES: Final = (
    rb"(?:[ \t\n\r\f\v]|\+|%(?:25){0,3}(?:20|09|0[a-dA-D])|\\+(?:[ntrfv]|[ux](?:00)?(?:20|09|0[a-dA-D]))"
    rb"|&(?:amp;)*(?:#0*(?:32|9|1[0-3])|#[xX]0*(?:20|9|[a-dA-D])|nbsp);)+"
)
_ALPHABETS: Final = {
    "+": b"(?:-|%s)" % _as_character("+"),
    "/": b"(?:_|%s)" % _as_character("/"),
}
_PADDING: Final = _as_character("=") + b"*"
_BASE64: Final = rb"(?:[A-Za-z0-9+/=_-]|\\+/|%(?:25){0,3}(?:2[bBfF]|3[dD]))*"
