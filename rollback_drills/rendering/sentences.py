"""Puts sentences together into messages of one line."""


def one_line(text: str) -> str:
    """Write a text of several lines, such as a reason that somebody gave, as one."""
    return " ".join(text.split())


def capitalize(text: str) -> str:
    """Begin a text with a capital letter; the rest stays as it is."""
    return text[:1].upper() + text[1:]


def write_sentences(*parts: str) -> str:
    """Write sentences that may have no full stop yet."""
    return " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in parts)


def join_sentences(*parts: str) -> str:
    """Write sentences as one message, without its last full stop."""
    return write_sentences(*parts).removesuffix(".")
