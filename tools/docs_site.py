"""Builds the documentation site into build/site: `make docs`. A warning is an error.

The pages are those of `docs/`, those of the root, and one that is written from the OpenAPI document. The
links of `docs/index.md` are the navigation: a section is a group. A page that no section links to is a
warning.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from openapi_page import describe_api, write_openapi_page
from sphinx.cmd.build import main as build

ROOT: Final = Path(__file__).resolve().parent.parent
DOCS: Final = ROOT / "docs"
ROOT_PAGES: Final = ("CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "SECURITY.md")

_API: Final = "[HTTP API](reference/http-api.md)"
_LINK: Final = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")
_SECTION: Final = re.compile(r"^## (.+)\n((?:(?!## ).*\n?)*)", re.MULTILINE)


def stage(source: Path) -> None:
    """Write everything that Sphinx reads into a folder.

    Args:
        source: The folder; what it has is deleted.
    """
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(DOCS, source)
    places = {page: page.relative_to(DOCS) for page in DOCS.rglob("*") if page.is_file()}
    places |= {ROOT / name: Path("project") / name.lower() for name in ROOT_PAGES}
    for page, place in places.items():
        if page.suffix == ".md":
            (source / place).parent.mkdir(exist_ok=True)
            (source / place).write_text(move_links(page.read_text(), page, places))
    for index in source.rglob("index.md"):
        text = index.read_text().replace(_API, f"{_API}, [operations of the HTTP API](reference/openapi.md)")
        index.write_text(text + "".join(list_contents(text)))
    document = describe_api()
    (source / "reference" / "openapi.json").write_text(json.dumps(document, indent=1))
    (source / "reference" / "openapi.md").write_text(write_openapi_page(document))


def move_links(text: str, page: Path, places: Mapping[Path, Path]) -> str:
    """Return a page with links between places on the site. A link to a file that is not there becomes text.

    Args:
        text: The page.
        page: Its file.
        places: The place on the site of every file that has one.
    """

    def move(link: re.Match[str]) -> str:
        label, target, anchor = link[1], link[2], link[3] or ""
        place = places.get(Path(os.path.normpath(page.parent / target)))
        if place is None:
            return label if (page.parent / target).exists() else link[0]
        return f"[{label}]({os.path.relpath(place, places[page].parent)}{anchor})"

    return _LINK.sub(move, text)


def list_contents(index: str) -> Iterator[str]:
    """Yield the navigation that an index has: for each section the pages that it links to, in that order.

    Args:
        index: The page, as Markdown.
    """
    known: set[str] = set()
    for title, section in _SECTION.findall(index):
        linked = [target for _, target, _ in _LINK.findall(section) if target.endswith(".md")]
        pages = [each for each in dict.fromkeys(linked) if each not in known]
        known.update(pages)
        if pages:
            yield "\n".join(["\n\n```{toctree}", ":hidden:", f":caption: {title}", "", *pages, "```\n"])


def main() -> int:
    """Build the site; return 0, or what Sphinx returns if there was a warning."""
    source, site = ROOT / "build" / "site-source", ROOT / "build" / "site"
    stage(source)
    shutil.rmtree(site, ignore_errors=True)
    trees = ROOT / "build" / "site-trees"
    done = build(["-b", "html", "-W", "--keep-going", "-q", "-d", str(trees), str(source), str(site)])
    if not done:
        print(f"The site is in {site.relative_to(ROOT)}: open {site.relative_to(ROOT)}/index.html.")
    return done


if __name__ == "__main__":
    sys.exit(main())
