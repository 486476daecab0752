"""Reads YAML as if it had been written as JSON: safe, without aliases, and each key once."""

import json
from collections.abc import Hashable
from typing import Final

from rollback_drills.documents.careful_reader import UnusableDocumentError
from rollback_drills.documents.quotation import show

ENDINGS: Final = (".yaml", ".yml")


def is_yaml(path: str) -> bool:
    """Whether a file is YAML, by the ending of its name."""
    return path.endswith(ENDINGS)


def to_json(data: bytes) -> bytes:
    """Return the JSON that says what a YAML text says; times stay as they are written.

    Raises:
        UnusableDocumentError: It is no YAML, or says something silently or without a bound.
    """
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
        return json.dumps(parsed, default=str).encode()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1} column {mark.column + 1}" if mark else ""
        why = getattr(error, "problem", None) or "it cannot be parsed"
        raise UnusableDocumentError(f"cannot be read as YAML: {why}{place}") from None
    except (UnicodeDecodeError, ValueError, TypeError, RecursionError):
        raise UnusableDocumentError("cannot be read as YAML in UTF-8") from None
