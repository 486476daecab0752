"""Writes the page about the HTTP API for the documentation site, from the OpenAPI document."""

from collections.abc import Iterator, Mapping
from functools import reduce
from itertools import groupby
from typing import Any

from rollback_drills.console.api_page import Operation
from rollback_drills_api.app import build_app
from rollback_drills_api.docs_page import read_operations
from rollback_drills_api.options import ApiOptions

_TOP = """# Operations of the HTTP API

Every operation with its fields and answers, as the [OpenAPI document](openapi.json) has them.
`drills api` serves the same document at `/openapi.json`. [HTTP API](http-api.md) explains tokens, scopes
and errors.

## Answers of every operation

"""


def describe_api() -> Mapping[str, Any]:
    """Return the OpenAPI document that `drills api` serves."""
    return build_app(ApiOptions(list)).openapi()


def write_openapi_page(document: Mapping[str, Any]) -> str:
    """Return the page as Markdown: one section for each group, one for each operation.

    Args:
        document: The OpenAPI document.
    """
    answers = {
        (path, method.upper()): {
            status: _cell(each["description"]) for status, each in found["responses"].items()
        }
        for path, ways in document["paths"].items()
        for method, found in ways.items()
    }
    shared = dict(reduce(lambda one, other: one & other, (each.items() for each in answers.values())))
    parts = [_TOP + "\n".join(_table(dict(sorted(shared.items()))))]
    by_group = sorted(read_operations(document), key=lambda each: each.group)
    for group, operations in groupby(by_group, key=lambda each: each.group):
        parts.append(f"## {group.capitalize()}\n")
        for each in operations:
            own = answers[each.path, each.method].items() - shared.items()
            parts.append("\n".join([*_section(each), *_table(dict(sorted(own)))]))
    return "\n".join(parts)


def _section(operation: Operation) -> Iterator[str]:
    yield f"### {operation.method} `{operation.path}`\n"
    yield f"{operation.text}\n"
    if operation.fields:
        yield "| field | place | meaning |"
        yield "|---|---|---|"
        for each in operation.fields:
            place = f"{each.place}, required" if each.is_required else each.place
            yield f"| `{each.name}` | {place} | {_cell(each.text)} |"
        yield ""


def _table(answers: Mapping[str, str]) -> Iterator[str]:
    yield "| status | answer |"
    yield "|---|---|"
    for status, text in answers.items():
        yield f"| {status} | {text} |"
    yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
