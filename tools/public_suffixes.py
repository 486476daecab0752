"""Writes the endings of host names from the Public Suffix List: `make suffixes`."""

import re
import textwrap
from importlib.resources import files
from pathlib import Path
from unicodedata import normalize

from rollback_drills.documents.privacy.host_words import FILE_ENDINGS, IDENTIFIER_WORDS

LIST = files("publicsuffixlist") / "public_suffix_list.dat"
WRITTEN = Path(__file__).parent.parent / "rollback_drills" / "documents" / "privacy" / "public_suffixes.py"
TEMPLATE = '''"""The endings of host names, written by `make suffixes` from the Public Suffix List.

Source: https://publicsuffix.org/list/public_suffix_list.dat, version {version},
as the package publicsuffixlist carries it. Mozilla Public License 2.0.
"""

from typing import Final

TOP_LEVELS: Final = frozenset(
    """
{top_levels}
""".split()
)
"""Every top-level domain, internationalised ones in their own script."""

PUBLIC_SUFFIXES: Final = frozenset(
    """
{suffixes}
""".split()
)
"""Suffixes of several labels below those top-level domains that are also endings of files or words."""
'''


def write(listed: str) -> str:
    """Return the module for a Public Suffix List."""
    version = re.search(r"^// VERSION: (\S+)$", listed, re.MULTILINE)
    icann = listed.partition("===END ICANN DOMAINS===")[0]
    top_levels = {rule.rpartition(".")[2] for rule in _rules(icann)}
    ambiguous = FILE_ENDINGS.keys() | IDENTIFIER_WORDS
    suffixes = {
        rule.removeprefix("*.")
        for rule in _rules(listed)
        if "." in rule.removeprefix("*.") and rule.rpartition(".")[2] in ambiguous and rule[0] != "!"
    }
    return TEMPLATE.format(
        version=version[1] if version else "unknown",
        top_levels=_fill(top_levels),
        suffixes=_fill(suffixes),
    )


def _rules(listed: str) -> list[str]:
    lines = (line.strip() for line in listed.splitlines())
    return [normalize("NFKC", line).casefold() for line in lines if line and not line.startswith("//")]


def _fill(words: set[str]) -> str:
    # wide characters count twice
    return textwrap.fill(" ".join(sorted(words)), 105, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    WRITTEN.write_text(write(LIST.read_text(encoding="utf-8")), encoding="utf-8")
