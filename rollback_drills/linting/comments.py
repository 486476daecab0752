"""Finds what must not be published in the comments of YAML, which no reader of documents sees."""

import re
from collections.abc import Iterator
from typing import Final

from rollback_drills.documents.privacy.privacy_rules import PrivateKind, find_private

_COMMENT: Final = re.compile(r"(?:^|\s)#(.*)")
_FOR_EDITORS: Final = "yaml-language-server:"
"""Before the place of a JSON Schema, which may be a path or a URL."""


def find_in_comments(data: bytes) -> Iterator[str]:
    """Yield line and kind of every comment that must not be published."""
    for number, line in enumerate(data.decode(errors="replace").splitlines(), start=1):
        comment = _COMMENT.search(line)
        kind = find_private(comment[1].strip()) if comment else None
        if kind is None or (_FOR_EDITORS in line and kind is not PrivateKind.CREDENTIAL):
            continue
        what = f"line {number} has a comment with {kind}"
        yield f"{what}, which a published document must not name; leave it out"
