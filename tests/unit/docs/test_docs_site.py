"""The documentation site is built without a warning, and works without a network."""

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.checkout import ROOT
from tests.reading.documentation import PAGES, TEXTS


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import what builds the site."""
    pytest.importorskip("furo", reason="run `make docs` once")
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import docs_site  # type: ignore[import-not-found]

    found: ModuleType = docs_site
    return found


def test_a_link_leads_to_the_place_on_the_site_or_becomes_text(tools: Any) -> None:
    page = ROOT / "docs/how-to/install.md"
    places = {page: Path("how-to/install.md"), ROOT / "CONTRIBUTING.md": Path("project/contributing.md")}
    text = "[a](../../CONTRIBUTING.md#tests) [b](../../Makefile) [c](none.md) [d](https://x.example/a.md)"

    moved = tools.move_links(text, page, places)

    assert moved == "[a](../project/contributing.md#tests) b [c](none.md) [d](https://x.example/a.md)"


def test_the_navigation_is_what_the_index_links_to(tools: Any) -> None:
    index = "# T\n\n[x](no.md)\n\n## One\n\n- [a](a.md) [b](b/c.md#d)\n\n## Two\n\n[a](a.md) [e](e.md)\n"

    parts = [
        re.findall(r"^:caption: (.+)|^(\S+\.md)$", each, re.MULTILINE) for each in tools.list_contents(index)
    ]

    assert parts == [[("One", ""), ("", "a.md"), ("", "b/c.md")], [("Two", ""), ("", "e.md")]]


@pytest.mark.chaos
def test_the_site_is_built_without_a_warning_and_asks_no_other_host(tools: Any) -> None:
    built = subprocess.run(
        [sys.executable, "tools/docs_site.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (built.returncode, built.stderr) == (0, "")
    site = ROOT / "build" / "site"
    texts = {page: page.read_text() for page in site.rglob("*.html")}
    assert len(texts) > len(PAGES)
    for page, text in texts.items():
        loaded = re.findall(r'<(?:script|img|iframe|link)\b[^>]*?(?:src|href)="([^"]*)"', text)
        assert [each for each in loaded if "//" in each and not each.startswith("data:")] == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//", style.read_text()), style
    paths = tools.describe_api()["paths"]
    operations = (site / "reference" / "openapi.html").read_text()
    assert [path for path in paths if path not in operations] == []


@pytest.mark.chaos
def test_a_page_without_a_place_and_a_broken_link_fail_the_build(tools: Any, tmp_path: Path) -> None:
    for wrong in ("[nothing](missing.md)", "[nothing](#not-a-heading)"):
        source = tmp_path / "source"
        source.mkdir(exist_ok=True)
        (source / "conf.py").write_text((ROOT / "docs" / "conf.py").read_text().replace('["static"]', "[]"))
        (source / "index.md").write_text(f"# T\n\n{wrong}\n")
        assert tools.build(["-b", "html", "-W", "-q", str(source), str(tmp_path / "site")]) != 0, wrong
    (source / "index.md").write_text("# T\n")
    (source / "lost.md").write_text("# L\n")
    assert tools.build(["-b", "html", "-W", "-q", str(source), str(tmp_path / "site")]) != 0


def test_every_page_of_the_root_is_on_the_site_or_is_the_readme() -> None:
    text = (ROOT / "tools" / "docs_site.py").read_text()

    assert {name for name in TEXTS if "/" not in name and f'"{name}"' not in text} == {"README.md"}
