"""Finds what may be the name of a host in bytes, in linear time; `host_names` decides what is one."""

from typing import Final


class _Letters(dict[str, "_Letters"]):
    """What may follow some letters; `end` if they are a word."""


_FILE_ENDINGS: Final = "conf csv html json jsonl log md pdf py sh sql tf txt yaml yml zip".split()
"""Endings with which names in documents end most often. Of these, a host has at least three labels."""


def _make_pattern() -> str:
    return (
        rf"(?i:[\w-]\.(?:{_match_other_words(_FILE_ENDINGS)}[^\w-]|xn--)|\.[a-z0-9-]+\.(?:{'|'.join(_FILE_ENDINGS)})[^\w-]|\.(?:com|net|org)-)"
        r"|\.[\w-]*[\x80-\xff]"  # any label that is not ASCII may be a top-level domain, or be read as one
    )


def _match_other_words(words: list[str]) -> str:
    """Return what matches every word of at least two small letters but these: RE2 cannot look ahead."""
    tree = _Letters()
    for word in words:
        node = tree
        for letter in word:
            node = node.setdefault(letter, _Letters())
        node["end"] = _Letters()
    return _match_others(tree, 0)


def _match_others(node: _Letters, depth: int) -> str:
    letters = sorted(letter for letter in node if letter != "end")
    others = "".join(letter for letter in map(chr, range(ord("a"), ord("z") + 1)) if letter not in letters)
    more = "+" if depth == 0 else "*"
    parts = [
        rf"[{others}][a-z]{more}",
        *(f"{letter}{_match_others(node[letter], depth + 1)}" for letter in letters),
    ]
    may_end = depth > 1 and "end" not in node
    return f"(?:{'|'.join(parts)}){'?' if may_end else ''}"


LOOSE_HOST: Final = _make_pattern()
