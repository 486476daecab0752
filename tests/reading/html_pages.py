"""Reads pages with a real parser, and refuses what is not well formed or not accessible."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

_VOID: Final = {"meta", "link", "input", "br", "img", "hr"}
_APART: Final = {"td", "th", "li", "p", "dt", "dd"}
_ADDRESSES: Final = ("href", "src", "action")


@dataclass
class Element:
    """A tag as it was written."""

    tag: str
    attributes: dict[str, str]
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text within, with single spaces."""
        return " ".join("".join(self.texts).split())


class HtmlPage(HTMLParser):
    """A page, taken apart. Whatever is not closed, closed twice or nested wrongly is an error."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)
        self.close()
        assert not self._open, f"not closed: {[each.tag for each in self._open]}"
        self._check()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}> has an attribute twice: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag in _APART:
            self.handle_data(" ")
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        last = self._open.pop()
        assert last.tag == tag, f"</{tag}> closes <{last.tag}>"

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.texts.append(data)

    def find(self, tag: str, **wanted: str) -> list[Element]:
        """Return the elements of a tag that have these attributes; `class_` stands for one class."""
        name = wanted.pop("class_", None)
        return [
            each
            for each in self.elements
            if each.tag == tag
            and wanted.items() <= each.attributes.items()
            and (name is None or name in each.attributes.get("class", "").split())
        ]

    @property
    def text(self) -> str:
        """What the page says."""
        return self.find("main")[0].text

    @property
    def addresses(self) -> list[str]:
        """Every address that the page names."""
        return [
            each.attributes[name] for each in self.elements for name in _ADDRESSES if name in each.attributes
        ]

    def _check(self) -> None:
        ids = [each.attributes["id"] for each in self.elements if "id" in each.attributes]
        assert len(ids) == len(set(ids)), f"an id is there twice: {ids}"
        for each in self.elements:
            assert not {"style", "onclick", "onload", "onerror"} & each.attributes.keys(), each
            for name in ("aria-labelledby", "for", "aria-describedby"):
                assert set(each.attributes.get(name, "").split()) <= set(ids), each
        assert not self.find("script")
        assert not self.find("style")
        assert len(self.find("h1")) == len(self.find("main")) == 1
        assert len(self.find("caption")) == len(self.find("table"))
        assert all("scope" in each.attributes for each in self.find("th"))
        assert all("aria-labelledby" in each.attributes for each in self.find("svg", role="img"))
        assert self.find("a", class_="skip")[0].attributes["href"] == "#main"
