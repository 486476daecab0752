"""Distinguishes a secret from the words that stand where one could: after `token:`, `Basic` or alone."""

import re
from binascii import Error as NotBase64
from binascii import a2b_base64
from functools import cache
from typing import Final

from rollback_drills.documents.privacy.password_words import FOREIGN, PASSWORDS

_VOWEL: Final = r"[aeiouyAEIOUY]"
_PIECES: Final = r"[A-Za-z0-9]+"
# Words, numbers, versions, tickets, timestamps and numeronyms, as ids and file names are made of.
_PLAIN: Final = (
    r"[0-9]{1,14}|[A-Z]?[a-z]{1,2}|[A-Z]{1,4}"
    r"|(?:[A-Z]?[a-z]{1,14}|[A-Z]{1,14})[0-9]{1,4}|[A-Z]{2,6}[0-9]{3,12}|[0-9]{1,4}(?:[A-Z]?[a-z]{1,4}|[A-Z]{1,3})"
    r"|[0-9]{8}[Tt][0-9]{4,6}[Zz]?|[A-Za-z][0-9]{1,2}[A-Za-z]"
)
_LETTERS: Final = r"[A-Z]?[a-z]+|[A-Z]+"
_WORDS: Final = r"[A-Z]?[a-z]{3,}"
_UUID: Final = r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_HEX: Final = r"(?i)(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{16,}"
_WORD_SHARE: Final = 0.5
"""Of random characters less than a third read as words and numbers; of ids and names nearly all do."""

_NAMED_SHARE: Final = 0.6
"""Behind a word such as `token` a secret is more likely."""

_PLACEHOLDER: Final = (
    r"<|\$\{|\$\(|\$[A-Z_][A-Z0-9_]*\b|\$[a-z_]+\b|\{|%\w+%|\*{3}|[xX]{3,}\W*$|\.{3}|…|\[|\(|[\w-]+:[\w{/-]"
)
_TECHNICAL: Final = (
    r"(?i)(?:sha|aes|md|rsa|ed|base|utf|pbkdf|oauth|argon|http|tls|ssl|ssh|x|es|rs|hs|kv|v|h|p|eu|us|ap|s|ec)"
    r"-?[0-9]+\W*"
)
_PASSWORDS: Final = ("pass", "pw", "psk")
_SHORT: Final = ("auth", "pat")
_SIGNS: Final = (":", "=", "：", ">")
_PROSE: Final = frozenset(
    """
    a admin an and are as ask at auth base bcrypt blank by certificate count default done each empty
    every false fine for from hash hidden if in invalid is it its json jwt keeper kept keycloak kms
    abac iam kerberos ldap oauth oidc rbac saml
    latest lost manager n/a na never new next nil no none not null of off ok okay old on once only
    operator optional or owner pass per policy production prompt read required reset rotation same saved
    scope secret see set sso staging string tbd team text that the then this to todo token true type
    unknown unset unchanged use user valid value vault via was were when with yes your
    """.split()
)
_TIME: Final = r"[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?(?:T[\w:.+-]*)?|[0-9]{1,2}[.:][0-9]{2}(?:[.:][0-9]{2,4})?"
_QUANTITY: Final = r"v?[0-9]{1,4}(?:[.,/x-][0-9]{1,6})*\+?[A-Za-z%]{0,8}|[0-9]{1,4}(?:-[a-z]+)+"
_TICKET: Final = r"[A-Z]{2,10}-?[0-9]{1,12}"
_MIXED: Final = r"(?=\D*[0-9])(?=[^a-zA-Z]*[a-zA-Z])[!-~]{6,}"
_SYMBOLS: Final = r"[!@#$%^&*?~]"

NAMES: Final = (
    r"(?:secret|token|credential|authori[sz]ation|(?:admin|api|app|application|access|account|auth|client|encryption"
    r"|host|license|master|private|service|shared|signing|storage)[ _-]?key)"
)
# An element of XML ends with the sign, and some languages write no blank before their "is".
_SIGN: Final = (
    r"=>|:=|[:=：是为為は는은]|(?<=\w)>(?=[^\s<>])"
    r"|(?<=\s)(?:(?:(?:is|was)\s)?(?:set|reset|changed)\sto|is|was|lautet|ist|es|est)\s"
)
ASSIGNED: Final = (
    rf"(?i:(?P<word>{PASSWORDS}|(?<![a-z])(?:pw|psk)|(?<=_)pass|(?<=_)(?:auth|pat)(?![a-z])|{NAMES})"
    rf"(?P<suffix>[\w-]{{0,40}})[\\\"'`]{{0,3}}\s{{0,8}}(?P<sign>{_SIGN})\s{{0,8}}"
    r"(?=(?P<value>\S{1,300})(?P<next>\s{1,4}[a-z(]{2})?))"
)
# "password of the replica: hunter22", and a password by its name in another language
DESCRIBED: Final = (
    rf"(?:(?i:{PASSWORDS})|{FOREIGN})(?:\s{{1,3}}[^\W\d][\w'.-]{{0,20}}){{0,4}}[\\\"'`]{{0,3}}\s{{0,8}}"
    rf"(?i:{_SIGN})\s{{0,8}}(?=(?P<value>\S{{1,300}}))"
)
SCHEME: Final = (
    r"(?i:(?<![\w-])(?P<scheme>bearer|basic|geniekey|splunk|token|apikey)\s{1,8}"
    r"(?=(?P<value>[\w+/=.~-]{8,2000})))"
)
FLAG: Final = (
    r"(?i:(?<![\w-])(?:--?(?:[a-z]{1,20}-)?(?:password|passwd|pass|pwd|token|secret|api-?key)"
    rf"|password|passwd|passwort|passphrase|pwd|{FOREIGN})\s{{1,4}}(?=(?P<value>[^\s-]\S{{5,300}})))"
)
PAIR: Final = (
    r"(?:(?<!\S)(?:-u|--user|--userpwd)[ =]{1,3}[\"']?"
    r"(?=(?P<user>[\w.@-]{1,100}):(?P<value>[^\s\"']{0,300})))"
    r"|(?<![\w.@/:-])[A-Za-z][\w.-]{0,100}:(?P<password>[^\s:@/\"'<>]{4,300})@(?=(?P<host>[\w\[][\w.:-]{0,100}))"
)
ENCODED: Final = r"(?<![\w+/=-])(?=[\w+/]*?[a-z0-9][A-Z][\w+/-]{3})[A-Za-z0-9+/]{12,400}={0,2}(?![\w+/=-])"
# A small letter or digit before a capital: in 32 random characters it is missing once in 5,000 times.
RANDOM_SIGN: Final = r"[a-z0-9][A-Z][\w+/-]{3}"
RANDOM: Final = rf"(?<![\w/+-])(?=[\w+/-]*?{RANDOM_SIGN})[\w+/-]{{32,}}+={{0,2}}"
_ULID: Final = r"(?<![A-Za-z0-9])[0-7][0-9A-HJKMNP-TV-Z]{25}(?![A-Za-z0-9])"
_DIGEST: Final = r"(?i:sha(?:1|256|384|512)[:-])$"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern when it is first needed: few documents hold anything that must be looked at."""
    return re.compile(pattern, re.ASCII)


def is_wordy(text: str, share: float = _WORD_SHARE) -> bool:
    """Whether most of a text reads as words, numbers and versions, as ids and names of files do."""
    covered = length = 0
    for piece in _compiled(_PIECES).findall(text):
        length += len(piece)
        if _compiled(_PLAIN).fullmatch(piece) or (
            _compiled(_LETTERS).fullmatch(piece) and _compiled(_VOWEL).search(piece)
        ):
            covered += len(piece)
        else:
            covered += sum(
                len(word) for word in _compiled(_WORDS).findall(piece) if _compiled(_VOWEL).search(word)
            )
    return covered >= length * share


def is_random(found: re.Match[str]) -> bool:
    """Whether a long run of characters is a key: of mixed letters and digits, no words, and no digest."""
    run = _compiled(_ULID).sub("", found[0])
    if not (re.search("[0-9]", run) and re.search("[a-z]", run) and re.search("[A-Z]", run)):
        return False
    start = found.start()
    return (
        not is_wordy(run)
        and not _compiled(_DIGEST).search(found.string, max(0, start - 8), start)
        and not _compiled(_DIGEST).match(run[: run.find("-") + 1])
    )


def follows_scheme(found: re.Match[str]) -> bool:
    """Whether what follows the name of an authentication scheme is a credential of it."""
    value = found["value"].rstrip(".,-")
    scheme = found["scheme"].lower()
    if (scheme == "basic" and _is_basic(value)) or _is_opaque(value):
        return True
    return scheme in {"bearer", "geniekey"} and _is_mixed(value)


def is_assigned(found: re.Match[str]) -> bool:
    """Whether what is assigned to a name such as `token` looks like a value of it."""
    suffix, sign = found["suffix"].lower(), found["sign"]
    is_password = found["word"].lower().startswith(_PASSWORDS)
    is_said = not sign.startswith(_SIGNS)  # "the token is …" is a sentence, "the password is …" may be more
    if (is_said and not is_password) or suffix in {"id", "_id", "-id"}:
        return False
    raw = found["value"].lstrip("\\\"'`")
    if not raw or is_placeholder(raw):
        return False
    value = re.split(r"[\"'`;,&<\\]", raw, maxsplit=1)[0].rstrip(".)]}>!?" if sign != "=" else ".)]}>")
    if _is_opaque(value):
        return True
    if suffix or is_said:
        return is_said and _is_mixed(value)
    if _is_mixed(value):
        return True
    if found["word"].lower() in _SHORT:  # `x_auth=internal` is a setting
        return False
    if sign == "=" and _compiled(_LETTERS).fullmatch(value) and not is_prose(value):
        return True
    return is_password and _is_password(value, found)


def is_described(found: re.Match[str]) -> bool:
    """Whether what follows a password and some words about it mixes letters, digits and signs."""
    value = found["value"].strip("\"'`,;.)]}>。")
    return bool(value) and not is_placeholder(value) and (_is_opaque(value) or _is_mixed(value))


def follows_flag(found: re.Match[str]) -> bool:
    """Whether what follows an option such as `--password` looks like a value of it."""
    value = found["value"].strip("\"'`,;.")
    return not is_placeholder(value) and (_is_opaque(value) or _is_mixed(value))


def is_pair(found: re.Match[str]) -> bool:
    """Whether it is a name with its password, as in `-u name:password` or `name:password@host`."""
    if found["user"] is not None:
        if len(found["value"]) < 3:  # a key stands before the colon, as Freshdesk and others have it
            return _is_opaque(found["user"])
        is_numeric = found["user"].isdigit() and found["value"].isdigit()
        return not is_numeric and not is_placeholder(found["value"])
    password, host = found["password"], found["host"]
    if (
        is_placeholder(password)
        or host.startswith("sha256")
        or re.fullmatch(r"v?[0-9]+(?:\.[0-9]+){0,2}", host)
    ):
        return False
    # team:payments@oncall is no password, admin:swordfish@db1 is one
    return _is_mixed(password) or _is_opaque(password) or bool(re.search("[0-9.:]|\\[", host))


def is_encoded_pair(found: re.Match[str]) -> bool:
    """Whether it is a name with its password as Basic authentication or SASL PLAIN has it."""
    return _is_basic(found[0])


def _is_basic(value: str) -> bool:
    try:
        text = a2b_base64(value + "=" * (-len(value) % 4), strict_mode=True).decode()
    except (NotBase64, ValueError):
        return False
    # https://www.rfc-editor.org/rfc/rfc4616#section-2
    name, colon, password = text.partition("\0")[2].partition("\0") if "\0" in text else text.partition(":")
    return bool(name and colon and password) and text.isascii() and text.replace("\0", "").isprintable()


def _is_opaque(value: str) -> bool:
    if len(value) < 8:
        return False
    return bool(_compiled(_UUID).search(value) or _compiled(_HEX).fullmatch(value)) or not is_wordy(
        value, _NAMED_SHARE
    )


def _is_mixed(value: str) -> bool:
    """Whether letters, digits and signs stand together, as in `hunter2` or `P@ssw0rd` and in no quantity."""
    if (
        not _compiled(_MIXED).fullmatch(value)
        or _compiled(_TECHNICAL).fullmatch(value)
        or _compiled(_TIME).match(value)
        or _compiled(_QUANTITY).fullmatch(value)
    ):
        return False
    if _compiled(_TICKET).fullmatch(value):
        return False
    return bool(_compiled(_SYMBOLS).search(value)) or len(_compiled(_PIECES).findall(value)) == 1


def is_placeholder(value: str) -> bool:
    """Whether a text stands in place of a secret, such as `${PASSWORD}`."""
    return _compiled(_PLACEHOLDER).match(value) is not None


def is_prose(value: str) -> bool:
    """Whether a text is a word that sentences have where a password could be, such as `rotated`."""
    words = re.split(r"[_-]", value.lower())
    return any(word in _PROSE or word.endswith(("ed", "ing")) for word in words)


def _is_password(value: str, found: re.Match[str]) -> bool:
    if (
        _compiled(_TIME).match(value)
        or _compiled(_TECHNICAL).fullmatch(value)
        or _compiled(_TICKET).fullmatch(value)
        or "/" in value
    ):
        return False
    if value.isdigit():
        return len(value) >= 5
    if _compiled(_QUANTITY).fullmatch(value) or not value.isascii():  # a word of another language
        return False
    if is_prose(value):
        return False
    # a word that others follow is the beginning of a sentence, unless a mark stands between them
    is_alone = not found["next"] or found["value"][0] in "\\\"'`" or found["value"][-1] in ",;"
    return bool(value) and (found["sign"] == "=" or is_alone)
