"""Forms of secrets that many programs share: keys, hashes, cookies, and headers whose name says it."""

from typing import Final

from rollback_drills.redaction.token_form import TokenForm

COMMON_FORMS: Final = (
    TokenForm("age", r"AGE-SECRET-KEY-1", r"[A-Z0-9]{10,}", "https://github.com/C2SP/C2SP/blob/main/age.md"),
    TokenForm(
        "cookie of a session",
        r"(?i:j?session(?:_?id)?|phpsessid|sid)=",
        r"[A-Fa-f0-9]{24,}",
        "https://www.rfc-editor.org/rfc/rfc6265#section-7",
    ),
    TokenForm(
        "Gotify",
        r"[Xx]-[Gg]otify-[Kk]ey\W{1,4}",
        r"[\w.-]{12,}",
        "https://gotify.net/docs/pushmsg",
    ),
    TokenForm(
        "Honeycomb",
        r"[Xx]-[Hh]oneycomb-[Tt]eam\W{1,4}",
        r"[A-Za-z0-9]{20,}",
        "https://docs.honeycomb.io/api/tag/Authentication/",
    ),
    TokenForm(
        "JSON Web Token",
        r"eyJ[\w-]{6,400}\.",
        r"[\w-]+(?:\.[\w-]*)?",
        "https://www.rfc-editor.org/rfc/rfc7519#section-3.1",
        r"eyJ[\w-]{6}",
    ),
    TokenForm(
        "private key",
        r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?",
        r" ?-{4,5}[^-]*",
        "https://www.rfc-editor.org/rfc/rfc7468#section-10",
    ),
    TokenForm(
        "PuTTY",
        r"PuTTY-User-Key-File-",
        r"[0-9]",
        "https://the.earth.li/~sgtatham/putty/latest/htmldoc/AppendixC.html",
    ),
    TokenForm(
        "Standard Webhooks",
        r"whs(?:ec|k)_",
        r"[\w+/=-]+",
        "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
    ),
    TokenForm(
        "time-based codes",
        r"(?i:[tm]?otp|mfa|2fa)[ _-]?(?i:seed|key|secret)\W{1,3}",
        r"[A-Z2-7]{16,}",
        "https://www.rfc-editor.org/rfc/rfc6238",
        r"(?i:otp|mfa|2fa)[ _-]?(?i:seed|key|secret)",
    ),
    TokenForm(
        "hash of a password",
        r"\$(?:2[abxy]|[1567y]|apr1|argon2[a-z]{1,2}|scrypt|pbkdf2[\w-]*)\$",
        r"[\w./,=$+-]{16,}",
        "https://manpages.debian.org/bookworm/libcrypt-dev/crypt.5.en.html",
    ),
    TokenForm(
        "hash of a password",
        r"\{S?SHA(?:256|512)?\}",
        r"[A-Za-z0-9+/=]{20,}",
        "https://www.rfc-editor.org/rfc/rfc2307",
    ),
)
