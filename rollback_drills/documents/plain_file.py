"""Reads files that people write for a command, as YAML or JSON."""

import json
from collections.abc import Hashable
from pathlib import Path
from typing import Final, TypeVar

from rollback_drills.documents.careful_reader import UnusableDocumentError, read_carefully
from rollback_drills.documents.fields import Document
from rollback_drills.documents.quotation import show
from rollback_drills.documents.reader import hide_folder, read_bytes
from rollback_drills.errors import UsageError

_YAML: Final = (".yaml", ".yml")

D = TypeVar("D", bound=Document)


def is_yaml(path: Path) -> bool:
    """Whether a file is YAML, by its ending."""
    return path.suffix in _YAML


def read_plain_file(model: type[D], path: Path) -> D:
    """Read a file, YAML by its ending and JSON otherwise.

    Raises:
        UsageError: It cannot be read or used; the message names the file, the place and the remedy.
    """
    shown = hide_folder(str(path))
    try:
        data = read_bytes(str(path))
        if is_yaml(path):
            data = _to_json(data, shown)
        return read_carefully(model, data)[0]
    except UnusableDocumentError as error:
        text = str(error)
        raise UsageError(text if text.startswith((shown, str(path))) else f"{shown}: {text}") from None


def _to_json(data: bytes, shown: str) -> bytes:
    import yaml  # only these files need it

    class Loader(yaml.SafeLoader):
        """Leaves times as they are written, and refuses what would count silently or without a bound."""

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                mark = self.get_event().start_mark  # type: ignore[no-untyped-call]
                raise yaml.MarkedYAMLError(problem="an alias stands here; write it out", problem_mark=mark)
            return super().compose_node(parent, index)

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
            seen: set[str] = set()
            for key, _ in node.value:
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"{show(key.value)} is there twice; remove one of them",
                        problem_mark=key.start_mark,
                    )
                seen.add(str(key.value))
            return super().construct_mapping(node, deep)

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in several if not tag.endswith(":timestamp")]
        for first, several in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        parsed: object = yaml.load(data, Loader)  # noqa: S506 - a subclass of the safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1} column {mark.column + 1}" if mark else ""
        why = getattr(error, "problem", None) or "it cannot be parsed"
        raise UsageError(f"{shown}: cannot be read as YAML: {why}{place}") from None
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise UsageError(f"{shown}: cannot be read as YAML in UTF-8") from None
    return json.dumps(parsed, default=str).encode()
