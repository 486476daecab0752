"""Reads the corpus of texts that may and may not be published; draws the characters of made-up secrets."""

import re
import string
import uuid
from collections.abc import Iterator
from pathlib import Path
from random import Random

from rollback_drills.documents.privacy.privacy_rules import PrivateKind

HERE = Path(__file__).parent
KINDS = {
    "credential": PrivateKind.CREDENTIAL,
    "url": PrivateKind.URL,
    "host": PrivateKind.HOST,
    "email": PrivateKind.EMAIL,
    "path": PrivateKind.PATH,
}
ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "base": string.ascii_letters + string.digits + "+/",
    "digits": string.digits,
    "hex": "0123456789abcdef",
    "letters": string.ascii_letters,
    "upper": string.ascii_uppercase + "234567",
}
_DRAWN = re.compile(r"\{(?:(uuid)|([a-z]+)([0-9]+))\}")


def read_harmless() -> list[str]:
    """Return the texts that may be published."""
    return (HERE / "harmless.txt").read_text(encoding="utf-8").splitlines()


def read_private(seed: int = 0) -> Iterator[tuple[PrivateKind, str]]:
    """Return the texts that may not be published, with their kind; each seed draws other characters."""
    for line in (HERE / "private.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            kind, text = line.split(" | ", 1)
            yield KINDS[kind], fill_in(text, Random(f"{seed} {line}"))


def fill_in(text: str, random: Random) -> str:
    """Put drawn characters in the places of a text that ask for them."""

    def draw(found: re.Match[str]) -> str:
        if found[1]:
            return str(uuid.UUID(int=random.getrandbits(128), version=4))
        return "".join(random.choices(ALPHABETS[found[2]], k=int(found[3])))

    return _DRAWN.sub(draw, text).replace("{{", "{").replace("}}", "}")
