"""Takes secrets out of text: every known value first, then whatever looks like a credential."""

import re
import threading
from collections.abc import Iterable, Iterator
from copy import copy
from enum import Enum
from functools import cache, lru_cache
from itertools import islice
from typing import Any, Final, NoReturn, Protocol, TypeVar

import msgspec
import re2

from rollback_drills.redaction.computed import computed_fields
from rollback_drills.redaction.secret_forms import compile_forms
from rollback_drills.redaction.token_forms import TOKEN, TOKEN_START

T = TypeVar("T")

REDACTED: Final = "[redacted]"
_REDACTED_BYTES: Final = REDACTED.encode()
_TOO_DEEP: Final = 50
_REMEMBERED: Final = 64
_LARGE_BYTES: Final = 4096
_AT_ONCE: Final = 100


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
        # user:password@ in a URL, and a key alone; not the role of a PostgreSQL URL, which has no key there.
        # A URL that was taken for a path has one slash.
        (
            (
                r"(\b(?!(?:postgres(?:ql)?|psycopg2?|asyncpg)(?:\+\w+)?://[\w.-]{1,63}@)"
                r"[a-zA-Z][\w+.-]{0,20}:/{1,3})[^/\s\"'<>\[]+@"
            ),
            rf"\g<1>{REDACTED}@",
        ),
    )
)

# One of these is in every text in which a pattern finds something; one look in linear time instead of many.
_TRIGGERS: Final = re2.compile(
    r"(?i:hooks\.slack|/services/T|webhook\.office\.com"
    r"|(?:sig|signature|token|key|secret|password|passwd)(?:=|%3D)|:/{1,3}[^/\s@\"'<>\[]+@"
    r"|authorization|api-?key|auth-token|bearer|basic|geniekey|splunk)"
    rf"|{TOKEN_START}"
)
# Of tokens that show what they are there are many forms, and few texts in which one is.
_TOKEN_START: Final = re2.compile(TOKEN_START)


@cache
def _tokens() -> re.Pattern[str]:
    return re.compile(TOKEN, re.ASCII)


class Redact(Protocol):
    """Takes the secrets out of a value, such as `Redactor.document`."""

    def __call__(self, document: T, /) -> T:
        """Return the value without secrets."""


def redact_each(redact: Redact, documents: Iterable[T]) -> Iterator[T]:
    """Yield values without secrets; a hundred are looked at together, which costs little more than one."""
    rest = iter(documents)
    while some := list(islice(rest, _AT_ONCE)):
        yield from redact(some)


class Redactor:
    """Replaces the secrets that it was given, in every form in which servers and libraries echo them."""

    def __init__(
        self, secrets: Iterable[str] = (), *, whole: Iterable[str] = (), spare_words: bool = False
    ) -> None:
        """Learn the secret values; of a URL also the parts of its path and query, which servers echo.

        Args:
            secrets: The values.
            whole: Values of which no part is taken for a secret.
            spare_words: Take a part of a value for a secret only if it looks like a key. Others may write its
                words, dates and numbers, and a redactor of everything must leave those alone.
        """
        self._known = compile_forms(secrets, whole, spare_words=spare_words)
        self.repeated_text = lru_cache(maxsize=_REMEMBERED)(self.text)
        """Is `text` for what is the same in thousands of messages: the answers are remembered."""

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
            if _TOKEN_START.search(data):
                text = _tokens().sub(REDACTED, text)
        return text

    def document(self, document: T) -> T:
        """Return a JSON-like value without secrets; the same object if there is none, as nearly always.

        It is looked at whole, which costs a tenth of a look at each of its texts. Of a large one that is
        suspicious, only the parts that are suspicious too are looked at closely.
        """
        try:
            data = msgspec.json.encode(document)
        except (TypeError, ValueError):  # more than JSON is in it
            return self.value(document)
        if not self._is_suspicious(data):
            return document
        if len(data) > _LARGE_BYTES and isinstance(document, list | tuple):
            redacted: Any = [self.document(each) for each in document]
        elif len(data) > _LARGE_BYTES and isinstance(document, dict):
            redacted = {self.value(key): self.document(each) for key, each in document.items()}
        else:
            redacted = self.value(document)
        return document if msgspec.json.encode(redacted) == data else redacted

    def _is_suspicious(self, data: bytes) -> bool:
        return any(known.search(data) for known in self._known) or bool(_TRIGGERS.search(data))

    def value(self, value: T) -> T:
        """Return a JSON-like value without secrets, in its keys and its texts at any depth."""
        redacted: T = self._value(value, 0)
        return redacted

    def _value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return value if isinstance(value, Enum) else self.text(value)
        if depth > _TOO_DEEP:
            return REDACTED
        if isinstance(value, dict):
            return {
                self._value(key, depth + 1): self._value(inner, depth + 1) for key, inner in value.items()
            }
        if isinstance(value, list | tuple):
            items = [self._value(inner, depth + 1) for inner in value]
            return tuple(items) if isinstance(value, tuple) else items
        if isinstance(value, bytes):
            return self.text(value.decode(errors="replace"))
        if isinstance(value, msgspec.Struct):  # stays one: the names of its fields are no secrets
            redacted = copy(value)  # not made again, as its own rules may refuse what is redacted
            computed = computed_fields(type(value))
            for name, inner in msgspec.structs.asdict(value).items():
                if name in computed:
                    continue
                clean = self._value(inner, depth + 1)
                if clean != inner:  # else it may be a default, which is left out
                    msgspec.structs.force_setattr(redacted, name, clean)
            return redacted
        return value


class _SecretsInUse:
    """The values that this process has opened; they stay in its memory, where they are anyway."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: set[str] = set()
        self._whole: set[str] = set()
        self._redactor: Redactor | None = None

    def remember(self, values: Iterable[str], *, is_whole: bool) -> None:
        known = self._whole if is_whole else self._values
        new = [value for value in values if value not in known]
        if new:
            with self._lock:
                known.update(new)
                self._redactor = None

    def redactor(self) -> Redactor:
        redactor = self._redactor
        if redactor is None:
            with self._lock:
                redactor = self._redactor = self._redactor or Redactor(
                    self._values, whole=self._whole, spare_words=True
                )
        return redactor


_in_use: Final = _SecretsInUse()


def remember_secrets(values: Iterable[str], *, is_whole: bool = False) -> None:
    """Let `redactor_in_use` know values that were opened; cheap for those that it knows.

    Args:
        values: The secrets.
        is_whole: Whether only the whole of each is secret: what of a URL is not, its connector knows.
    """
    _in_use.remember(values, is_whole=is_whole)


def redactor_in_use() -> Redactor:
    """Return a redactor that knows every secret opened in this process so far; ask again for each text.

    It is made again only after a new value was opened.
    """
    return _in_use.redactor()
