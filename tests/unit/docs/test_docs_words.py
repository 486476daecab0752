"""Words of CAVRA stand only where its documents demand them, and on the pages for those who move from it.

The lists below are complete: a place that no longer has a word leaves its list.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

import click
import pytest

from rollback_drills.documents.schemas.published import SCHEMAS, read_schema
from rollback_drills_api.app import build_app
from rollback_drills_api.options import ApiOptions
from tests.reading.commands import COMMANDS
from tests.reading.documentation import SOURCES, TEXTS, prose, rows

WORDS: Final = {
    "CAVRA": re.compile(r"\bCAVRA\b"),
    "Go": re.compile(r"\bGo\b"),
    "Python fallback": re.compile(r"\bpython[-_ ]fallback", re.IGNORECASE),
    "promoted": re.compile(r"\bpromot(?:e|es|ed|ing|ion|ions)\b", re.IGNORECASE),
}

PAGES: Final = {
    "CAVRA": {
        "docs/how-to/move-from-cavra.md",
        "docs/differences.md",
        "docs/reference/contract.md",
        "docs/reference/glossary.md",
        "docs/index.md",  # leads to the pages above
        "docs/reference/environment.md",  # leads to the names of CAVRA
    },
    "Go": {"docs/differences.md"},  # the zero time of its documents
    "Python fallback": set[str](),
    "promoted": {
        "docs/reference/glossary.md",
        "docs/reference/gate.md",  # the documents of a promotion
        "docs/how-to/gate-a-release.md",
        "docs/reference/documents.md",  # these, and the document of changes
        "docs/reference/environment.md",
        "docs/reference/commands.md",
        "docs/reference/reports.md",  # what a simulation says of changes
    },
}
"""By word: the pages that may have it, apart from code and the CHANGELOG."""

HELP: Final = {
    "CAVRA": {"evidence import"},
    "Go": set[str](),
    "Python fallback": set[str](),
    "promoted": {"--mode", "--changes", "--promotion-evidence", "--require-current-proof"},
}
"""By word: the commands and options whose help may have it."""

MESSAGES: Final = {
    "CAVRA": set[str](),
    "Go": set[str](),
    "Python fallback": set[str](),
    "promoted": {
        "rollback_drills/settings.py",  # the help of `--mode` and `--changes`
        "rollback_drills_cli/gate.py",
        "rollback_drills/gate/requests.py",
        "rollback_drills/gate/decision.py",
        "rollback_drills/gate/promotion.py",
        "rollback_drills/gate/promotion_faults.py",
        "rollback_drills/gate/current_proof.py",
        "rollback_drills/readiness/checklist.py",  # the mode `promoted`
        "rollback_drills/readiness/history_report.py",
        "rollback_drills/readiness/schedule_report.py",
        "rollback_drills/readiness/reports.py",  # `promoted_at` of a change
        "rollback_drills/readiness/due_faults.py",
        "rollback_drills/console/fleet.py",
        "rollback_drills_cli/simulation_text.py",
        "rollback_drills/documents/schemas/published.py",
    },
}
"""By word: the modules whose messages may have it."""


def help_texts() -> Iterator[tuple[str, str]]:
    """Yield each command and each option with its help."""
    for words, command in COMMANDS.items():
        yield " ".join(words), command.help or ""
        for each in command.params:
            if isinstance(each, click.Option):
                yield each.opts[0], each.help or ""


def messages(text: str) -> Iterator[str]:
    """Yield the strings of a module that are texts: they have a space, and are no docstring."""
    tree = ast.parse(text)
    docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node not in docstrings and " " in str(node.value):
            yield str(node.value)


def docstrings(text: str) -> Iterator[str]:
    """Yield the docstrings of a module, and those of its attributes."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


def test_no_docstring_begins_as_an_order_to_the_reader() -> None:
    found = {
        f"{name}: {each.splitlines()[0]}"
        for name, text in SOURCES.items()
        if name.endswith(".py")
        for each in docstrings(text)
        if re.match(r"(Give|Say|See that)\b", each)
    }

    assert found == set()


@pytest.mark.parametrize("word", WORDS)
def test_a_page_has_the_word_only_where_documents_demand_it(word: str) -> None:
    found = {
        name
        for name, text in TEXTS.items()
        if name != "CHANGELOG.md"
        and not name.startswith("docs/decisions/")
        and WORDS[word].search(re.sub(r"`[^`]*`", "", prose(text)))
    }

    assert found == PAGES[word]


@cache
def published() -> Mapping[str, str]:
    """Return the schemas and the description of the API, by their names."""
    found = {name: read_schema(name) for name in SCHEMAS}
    return {**found, "openapi.json": json.dumps(build_app(ApiOptions(list)).openapi())}


@pytest.mark.parametrize("word", WORDS)
def test_a_help_text_has_the_word_only_where_documents_demand_it(word: str) -> None:
    assert {place for place, text in help_texts() if WORDS[word].search(text)} == HELP[word]


@pytest.mark.parametrize("word", WORDS)
def test_a_message_has_the_word_only_where_documents_demand_it(word: str) -> None:
    found = {
        name
        for name, text in SOURCES.items()
        if WORDS[word].search(text)
        and any(WORDS[word].search(each) for each in (messages(text) if name.endswith(".py") else [text]))
    }

    assert found == MESSAGES[word]


@pytest.mark.parametrize("word", [each for each in WORDS if each != "promoted"])
def test_schemas_and_api_never_have_the_word(word: str) -> None:
    assert [name for name, text in published().items() if WORDS[word].search(text)] == []


def test_the_glossary_explains_the_words() -> None:
    explained = {word for row in rows(TEXTS["docs/reference/glossary.md"], "| word |") for word in row[:1]}

    assert {"CAVRA", "promote", "mode", "fallback", "new backend, old backend"} <= explained
