"""Reads a connector configuration file (contract §1), strictly and without touching a secret."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from rollback_drills.connectors.entries import ENTRIES, TYPE_BY_NAME, Entry, WebhookEntry
from rollback_drills.connectors.types import ALL_CONNECTORS, FURTHER_TYPES
from rollback_drills.documents.duplicate_keys import START
from rollback_drills.documents.fields import LONGEST_NAME
from rollback_drills.documents.odd_names import explain_odd_name
from rollback_drills.documents.quotation import json_path
from rollback_drills.documents.reading.json_text import TOO_DEEP, decode, explain_repeats, parse
from rollback_drills.documents.reading.reader import BOM
from rollback_drills.documents.reading.yaml_text import is_yaml, to_json
from rollback_drills.documents.unusable_document import UnusableDocumentError
from rollback_drills.errors import UsageError, reason_of
from rollback_drills.errors.pipes import refuse_named_pipe
from rollback_drills.names.similar_names import find_similar, find_similar_key
from rollback_drills.rendering.invalid_value import explain_invalid

_LARGEST_FILE_BYTES: Final = 1024 * 1024
_MOST_PROBLEMS_SHOWN: Final = 5
_GROUPS: Final = ("connectors", "providers")


@dataclass(frozen=True, slots=True)
class NamedEntry:
    """A connector of the file under its normalised name."""

    name: str
    path: str
    """Its path in the file: `$.connectors.slack`."""
    kind: str
    """Its type: the key `type`, or derived from its name."""
    entry: Entry


def connector_name(provider: str) -> str:
    """Return the name under which the connector of a provider is saved: a-z, 0-9 and dashes."""
    return re.sub(r"[^a-z0-9]", "-", provider.strip().lower())


def explain_name(name: str) -> str:
    """Return what is wrong with the name of a connector; empty if notifications can be sent through it."""
    if len(name) > LONGEST_NAME:
        return f"has a name of {len(name)} characters; write at most {LONGEST_NAME}"
    return ""


def connector_names(path: Path) -> list[str]:
    """Name the enabled connectors of a file, in its order; no secret is looked up.

    Raises:
        UsageError: The file cannot be read as a connector configuration.
    """
    return [named.name for named in read_connector_config(path) if named.entry.enabled]


def read_connector_config(path: Path) -> list[NamedEntry]:
    """Read and validate the file; no environment variable is looked up.

    Raises:
        UsageError: One line with the file, the JSON path and the remedy, and never a value.
    """
    group, entries = _find_group(path, _read_document(path))
    found: list[NamedEntry] = []
    problems: list[str] = []
    for written, value in entries.items():
        where = json_path((group, written))
        name = connector_name(written)
        if not name.strip("-"):
            problems.append(f"{where} has a name without letters and digits")
        elif name == ALL_CONNECTORS:
            problems.append(f"{where} has the name that stands for all connectors; rename it")
        elif odd := explain_odd_name(written) or explain_name(name):
            problems.append(f"{where} {odd}")
        elif name in {named.name for named in found}:
            problems.append(f"{where} has the same name as another connector ({name}); rename one")
        else:
            entry = _read_entry(group, written, value, problems)
            if entry is not None:
                found.append(NamedEntry(name, where, _kind_of(written, value), entry))
    raise_problems(path, problems)
    return found


def raise_problems(path: Path, problems: list[str]) -> None:
    """Raise the problems of a file in one line, if there are any.

    Raises:
        UsageError: There are.
    """
    if problems:
        hidden = len(problems) - _MOST_PROBLEMS_SHOWN
        more = [f"and {hidden} more"] if hidden > 0 else []
        raise UsageError(f"{path}: " + "; ".join(problems[:_MOST_PROBLEMS_SHOWN] + more))


def _read_document(path: Path) -> Any:
    try:
        refuse_named_pipe(path)
        with path.open("rb") as opened:  # a device, such as /dev/zero, has no size and no end
            data = opened.read(_LARGEST_FILE_BYTES + 1)
        if len(data) > _LARGEST_FILE_BYTES:
            raise UsageError(f"{path}: is larger than a connector configuration can be")
        text = decode((to_json(data) if is_yaml(str(path)) else data).removeprefix(BOM))
        document, has_repeats = parse(text, START)
    except UnusableDocumentError as error:
        raise UsageError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise UsageError(f"{path}: does not exist; create the file, or fix the path") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {reason_of(error)}") from None
    except RecursionError:
        raise UsageError(f"{path}: {TOO_DEEP}") from None
    if has_repeats:
        raise_problems(path, list(map(str, explain_repeats(text))))
    return document


def _find_group(path: Path, document: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(document, dict):
        raise UsageError(f'{path}: $ must be a JSON object with the key "connectors"')
    problems = [
        f"{json_path((key,))} {explain_unknown_key(key, _GROUPS)}" for key in document if key not in _GROUPS
    ]
    groups = [group for group in _GROUPS if group in document]
    if groups or any(find_similar_key(key, _GROUPS) for key in document):
        raise_problems(path, problems)
    if len(groups) != 1:
        raise UsageError(f'{path}: $ needs exactly one of the keys "connectors" and "providers"')
    entries = document[groups[0]]
    if not isinstance(entries, dict):
        raise UsageError(f"{path}: {json_path((groups[0],))} must be a JSON object of connectors by name")
    return groups[0], entries


def _read_entry(group: str, written: str, value: Any, problems: list[str]) -> Entry | None:
    loc = (group, written)
    if not isinstance(value, dict):
        problems.append(f"{json_path(loc)} must be a JSON object")
        return None
    kind = _kind_of(written, value)
    model = ENTRIES.get(kind) if isinstance(kind, str) else None
    if model is None:
        near = find_similar(kind, ENTRIES) if isinstance(kind, str) else ""
        meant = f'; did you mean "{near}"?' if near else ""
        problems.append(f"{json_path((*loc, 'type'))} must be one of {', '.join(ENTRIES)}{meant}")
        return None
    try:
        entry = model.model_validate(value)
    except ValidationError as error:
        found = [
            _explain(model, loc, detail) for detail in error.errors(include_input=False, include_url=False)
        ]
        own_type = written.strip().lower()
        if "type" not in value and own_type in FURTHER_TYPES:
            found.append(f'{json_path(loc)} is read as a webhook; for {own_type} add "type": "{own_type}"')
        problems += found
        return None
    found = list(_inconsistencies(entry, loc, kind))
    problems += found
    return None if found else entry


def _kind_of(written: str, value: Any) -> Any:
    return value.get("type", TYPE_BY_NAME.get(written.strip().lower(), "webhook"))


def _explain(model: type[Entry], loc: tuple[str, ...], detail: Any) -> str:
    where = (*loc, *detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{json_path(where)} {explain_unknown_key(str(where[-1]), model.model_fields)}"
    return f"{json_path(where)} {explain_invalid(detail)}"


def explain_unknown_key(key: str, known: Collection[str]) -> str:
    """Return what is wrong with a key that a connector does not have, as what follows its place."""
    near = find_similar_key(key, known)
    names = ", ".join(each for each in known if not each.endswith("_env"))
    return f"is an unknown key; did you mean {near!r}?" if near else f"is an unknown key; known are {names}"


def _inconsistencies(entry: Entry, loc: tuple[str, ...], kind: str) -> Iterator[str]:
    given = {key.removesuffix("_env") for key in entry.model_fields_set if getattr(entry, key) is not None}
    for key in entry.from_environment:
        if getattr(entry, key) is not None and getattr(entry, key + "_env") is not None:
            yield f"{json_path((*loc, key))} and {key}_env are both given; remove one"
    for group in entry.required:
        if given.isdisjoint(group):
            remedy = f'add "{group[0]}"' + ("" if kind == "webhook" else ', or set "type": "webhook"')
            yield f"{json_path(loc)} has no {' or '.join(group)}; {remedy}"
        elif len(given & set(group)) > 1:
            yield f"{json_path(loc)} has more than one of {', '.join(group)}; keep one"
    if isinstance(entry, WebhookEntry) and {"token", "authorization"} <= given:
        yield f"{json_path(loc)} has both token and authorization; keep one"
