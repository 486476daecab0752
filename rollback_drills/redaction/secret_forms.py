"""The forms of a secret: its parts, and every way in which servers and libraries write them."""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html.entities import codepoint2name
from itertools import chain
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import re2

_SHORTEST_KNOWN: Final = 4  # shorter values would blank out innocent text
_SHORTEST_PART: Final = 8
_LONGEST_PIECE: Final = 900
_LONGEST_VALUE: Final = 16_384  # the start of a longer one is known; no key is longer
_LARGEST_PATTERN_BYTES: Final = 512 * 1024  # re2 gives up on twice as much
_MOST_MEMORY_BYTES: Final = 64 * 1024 * 1024  # of an automaton; with less, that of many secrets turns slow
_WEBHOOK_SECRET: Final = "whsec_"  # noqa: S105 - the prefix of every secret, not a secret

# A path segment such as "services" or "rollback-drills" names a route; keys have digits, capitals or length.
_WORDS = re.compile(r"[a-z]{1,15}(?:[-_][a-z]{1,15})*|IncomingWebhook")
# Nor is it a key what others may write too: words, a type of content, a date, a number.
_PLAIN = re.compile(r"[a-z]{1,15}(?:[-_/.+][a-z]{1,15})*|IncomingWebhook|[\W\d_]*")
_CREDENTIAL = re.compile(r"(?i)sig|token|key|secret|pass|auth|code")
_TOKENS = re.compile(r"(?:%[0-9A-Fa-f]{2})+|[ \t\n\r\f\v]+|.", re.DOTALL)


def compile_forms(secrets: Iterable[str], whole: Iterable[str], *, spare_words: bool) -> tuple[Any, ...]:
    """Make automatons that find the secrets in bytes of UTF-8, to be applied one after another.

    Args:
        secrets: The values.
        whole: Values of which no part is taken for a secret.
        spare_words: Leave out the parts of a value that do not look like a key.
    """
    known = chain(whole, *(_parts_of(secret, spare_words=spare_words) for secret in secrets))
    parts = {piece for part in known for written in (part, unquote(part)) for piece in _pieces_of(written)}
    texts = {_as_text(part) for part in parts if len(part) >= _SHORTEST_KNOWN}
    # Base64 last: what it takes along on both sides must not be the half of another secret.
    return (
        *_compile(texts),
        *_compile({_from_base64(each) + _PADDING for part in parts for each in _as_base64(part)}),
        *_compile({_from_base64(each) for part in parts for each in _within_base64(part)}, _BASE64),
    )


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
    words = secret.split()
    yield from filter(is_key, words)
    yield from (word.removeprefix(_WEBHOOK_SECRET) for word in words if word.startswith(_WEBHOOK_SECRET))
    if secret.startswith("{"):
        yield from filter(is_key, _texts_of(secret))
    if "://" in secret:
        for part, is_secret in _parts_of_url(secret):
            if is_secret or not spare_words or any(map(is_key, re.split("[/?&=]", part))):
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
    """Return the parts of a URL that are echoed alone; True with those that can be nothing but secret."""
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


def is_key(part: str) -> bool:
    """Whether a part of a value looks like a key, not like a word, date or number that others write too."""
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
    """Return what base64 of more than the value has in it, such as that of `user:password`."""
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
