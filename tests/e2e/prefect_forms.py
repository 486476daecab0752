"""Fills in the forms with which both UIs of Prefect create a block, by mouse and keyboard."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from tests.e2e.chromium import Browser

_FIND: Final = """((title) => [...document.querySelectorAll('%s')]
    .find(each => each.innerText.trim().replace(/ \\(Optional\\)$/, '') === title)?.closest('%s'))(%s)"""
_SETTLE_SECONDS: Final = 0.3
_SAVED_WITHIN_SECONDS: Final = 15
_MOST_CLICKS: Final = 3
_SUBMIT: Final = "document.querySelector('form button[type=submit]:not(:disabled)')"
_IS_SAVED: Final = "/\\/blocks\\/block\\/[0-9a-f-]+$/.test(location.pathname)"


class Form(Protocol):
    """The form that creates a block of one type."""

    def open(self, slug: str) -> None:
        """Show the empty form for a block type."""

    def write(self, title: str, text: str) -> None:
        """Write into a field, found by its title."""

    def choose(self, title: str, option: str) -> None:
        """Choose a value, or a block, of a field."""

    def add(self, title: str, item: str) -> None:
        """Put one item into a list."""

    def name(self, name: str) -> None:
        """Name the block."""

    def save(self, name: str) -> None:
        """Name the block, and save it."""

    def edit(self, *choices: tuple[str, str]) -> None:
        """Open the form of the block that is shown, choose a block for each of these fields, and save it."""


@dataclass(frozen=True, slots=True)
class FormV1:
    """The form of the UI that Prefect serves at its root."""

    browser: Browser
    site: str
    _written: dict[str, str] = field(default_factory=dict)
    """The text by the title of each field."""

    def open(self, slug: str) -> None:
        """Show the empty form for a block type."""
        self._written.clear()
        self.browser.open(f"{self.site}/blocks/catalog/{slug}/create")

    def write(self, title: str, text: str) -> None:
        """Write into a field, found by its title."""
        self._written[title] = text
        self.browser.write(self._input(title), text)

    def choose(self, title: str, option: str) -> None:
        """Choose from a native list, as its own change does: no page can click into one."""
        self.browser.wait_for(
            f"(() => {{ const list = {self._field(title)}?.querySelector('select');"
            f" const found = [...list?.options ?? []].find(each => each.text === {json.dumps(option)});"
            " if (!found) return false;"
            " list.value = found.value; list.dispatchEvent(new Event('change', {bubbles: true}));"
            " return true; })()"
        )

    def add(self, title: str, item: str) -> None:
        """Write the list, which this UI wants as JSON."""
        self.write(title, json.dumps([item]))

    def name(self, name: str) -> None:
        """Name the block."""
        self.write("Block Name", name)

    def save(self, name: str) -> None:
        """Name the block, write again what a busy page has lost of two texts in a row, and save it."""
        self.name(name)
        time.sleep(_SETTLE_SECONDS)
        for title, text in self._written.items():
            found = self._input(title)
            if text not in self.browser.run(f"[{found}].map(each => each?.value ?? each?.innerText)[0]"):
                self.browser.write(found, text)
                time.sleep(_SETTLE_SECONDS)
        _save(self.browser)

    def edit(self, *choices: tuple[str, str]) -> None:
        """Open the form of the block that is shown, choose a block for each of these fields, and save it."""
        _edit(self, self.browser, choices)

    def _input(self, title: str) -> str:
        return f"{self._field(title)}?.querySelector('input:not([type=checkbox]), textarea, .cm-content')"

    def _field(self, title: str) -> str:
        titles = ".p-label__label, .schema-form-property-any-of__section-header"
        return _FIND % (titles, ".p-label, .schema-form-property-any-of", json.dumps(title))


@dataclass(frozen=True, slots=True)
class FormV2:
    """The form of the UI that Prefect serves under /v2."""

    browser: Browser
    site: str

    def open(self, slug: str) -> None:
        """Show the empty form for a block type."""
        self.browser.open(f"{self.site}/v2/blocks/catalog/{slug}/create")

    def write(self, title: str, text: str) -> None:
        """Write into a field, found by its title."""
        field = f"{self._field(title)}?.querySelector('input:not([type=checkbox]), textarea')"
        self.browser.write(field, text)

    def choose(self, title: str, option: str) -> None:
        """Open the list of a field, and click on one of it."""
        self.browser.click(f"{self._field(title)}?.querySelector('button[aria-haspopup=listbox]')")
        options = "[...document.querySelectorAll('[role=option]')]"
        self.browser.click(f"{options}.find(each => each.innerText.trim() === {json.dumps(option)})")

    def add(self, title: str, item: str) -> None:
        """Add an item to a list, and write into it."""
        buttons = f"[...{self._field(title)}?.querySelectorAll('button') ?? []]"
        self.browser.click(f"{buttons}.find(each => each.innerText.trim() === 'Add item')")
        self.write(title, item)

    def name(self, name: str) -> None:
        """Name the block."""
        self.write("Name", name)

    def save(self, name: str) -> None:
        """Name the block, and save it."""
        self.name(name)
        _save(self.browser)

    def edit(self, *choices: tuple[str, str]) -> None:
        """Open the form of the block that is shown, choose a block for each of these fields, and save it."""
        _edit(self, self.browser, choices)

    def _field(self, title: str) -> str:
        return _FIND % ("label[data-slot=label]", ".group, .space-y-2", json.dumps(title))


FORMS: Final[Mapping[str, Callable[[Browser, str], Form]]] = {"v1": FormV1, "v2": FormV2}


def _edit(form: Form, browser: Browser, choices: Iterable[tuple[str, str]]) -> None:
    browser.open(browser.run("location.href") + "/edit")
    for title, option in choices:
        form.choose(title, option)
    _save(browser)


def _save(browser: Browser) -> None:
    """Click until the block is there, as people do: UI V2 may take no notice of a click on a busy machine."""
    time.sleep(_SETTLE_SECONDS)  # what was written reaches the form a moment later
    for _ in range(_MOST_CLICKS):
        # UI V2 asks first whether the name is taken, and its button is disabled until it knows.
        if browser.wait_for(f"{_IS_SAVED} ? 'saved' : {_SUBMIT} && 'ready'") == "saved":
            return
        browser.click(_SUBMIT)
        until = time.monotonic() + _SAVED_WITHIN_SECONDS
        while time.monotonic() < until:
            if browser.run(_IS_SAVED):
                return
            time.sleep(_SETTLE_SECONDS)
    browser.wait_for(_IS_SAVED)
