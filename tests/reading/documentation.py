"""Reads the documentation of the project: its pages, code blocks, tables and anchors."""

import re
from collections.abc import Iterator
from typing import Final

from tests.checkout import ROOT

PAGES: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TEXTS: Final = {str(page.relative_to(ROOT)): page.read_text() for page in PAGES}
"""By path: every page."""
FURTHER: Final = {
    str(path.relative_to(ROOT)): path.read_text()
    for pattern in ("Makefile", "deployments/**/*.yaml", "deployments/**/*.yml", "examples/*.py")
    for path in sorted(ROOT.glob(pattern))
}
"""By path: what else tells people which commands to run."""
PACKAGES: Final = (
    "rollback_drills",
    "rollback_drills_cli",
    "rollback_drills_api",
    "deployments",
    "blocks",
    "tasks",
    "flows",
)
SOURCES: Final = {
    str(path.relative_to(ROOT)): path.read_text()
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*"))
    if path.suffix in (".py", ".j2", ".md")
}
"""By path: the program, which names commands and variables in its messages."""

_FENCED: Final = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def code_blocks(text: str, *languages: str) -> Iterator[str]:
    """Yield the content of each code block in these languages."""
    for _, language, content in _FENCED.findall(text):
        if language in languages:
            yield content


def prose(text: str) -> str:
    """Return the page without its code blocks."""
    return _FENCED.sub("", text)


def code_spans(text: str) -> list[str]:
    """Return what stands between single backticks, on one line or across a line break."""
    return [" ".join(each.split()) for each in re.findall(r"(?<!`)`([^`]+)`(?!`)", prose(text))]


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", each).lower() for each in headings)
    return {re.sub(r"[^\w\- ]", "", each).strip().replace(" ", "-") for each in plain}


def rows(text: str, heading: str) -> list[list[str]]:
    """Return the cells of each row of the first table below a heading or a header row."""
    lines = iter(text.partition(f"\n{heading}")[2].splitlines())
    found: list[list[str]] = []
    for line in lines:
        if line.startswith("|"):
            found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        elif found:
            break
    return [row for row in found if not set("".join(row)) <= set("-: ")]
