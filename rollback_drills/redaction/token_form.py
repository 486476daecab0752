"""The form of a token that shows what it is."""

from typing import NamedTuple


class TokenForm(NamedTuple):
    """What a token looks like; both patterns mean the same to `re` and to RE2, and hold no look-around."""

    issuer: str
    prefix: str
    body: str
    source: str
    sign: str = ""
    """What RE2 looks for where the token does not begin with fixed letters, or ordinary words begin so."""

    @property
    def pattern(self) -> str:
        """What the whole token matches; longer bodies are matched whole."""
        return f"{self.prefix}{self.body}"

    @property
    def start(self) -> str:
        """What the beginning of the token matches, for an automaton that shall stay small."""
        if self.sign or self.body[0] != "[":
            return self.sign or self.pattern
        characters, _, repeated = self.body.partition("]")
        least = int(repeated[1:].split("}")[0].split(",")[0]) if repeated[:1] == "{" else 1
        return f"{self.prefix}{characters}]{{{min(least, 2)}}}"
