"""Reads YAML as if it had been written as JSON: safe, without aliases, and each key once."""

import json
import re
from collections.abc import Hashable, Mapping
from typing import Final

from rollback_drills.documents.quotation import show
from rollback_drills.documents.reading.json_text import TOO_DEEP, decode
from rollback_drills.documents.unusable_document import UnusableDocumentError

ENDINGS: Final = (".yaml", ".yml")
_TEXTS: Final = frozenset({"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"})
_NUMBERS: Final[Mapping[str, re.Pattern[str]]] = {
    "tag:yaml.org,2002:int": re.compile(r"[-+]?(?:0|[1-9][0-9]*)$"),
    "tag:yaml.org,2002:float": re.compile(
        r"(?:[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
}
"""Numbers that every version of YAML reads as the same."""
_KEY: Final = re.compile(r"\w+:\S")
_BAD_INDENT: Final = "the indentation differs from that of the lines above; fix it"
_PLAIN: Final = (
    (r"found character '\\t' that cannot start any token", "a tab stands here; indent with blanks"),
    (r"found character '(.)' that cannot start any token", r"a text begins with \1; put it in quotes"),
    (
        r"mapping values are not allowed.*",
        "a colon stands within a text; put the text in quotes, or end the line before",
    ),
    (r"(?:but )?found another document", "a second document begins; keep one"),
    (r"found unexpected end of stream", "a text in quotes does not end; close it"),
    (r"could not find expected ':'", "a line is no key with a colon and a blank behind it; fix it"),
    (r"expected ',' or '([\]}])', but got '<stream end>'", r"a bracket is not closed; write \1"),
    (
        r"expected ',' or '([\]}])', but got.*",
        "a bracket is not closed, or a comma is missing; write it",
    ),
    (
        r"sequence entries are not allowed here",
        "an item of a list stands behind its key; begin a new line with it",
    ),
    (r"could not determine a constructor.*", "an unknown tag stands here; remove it"),
    (r"expected '?<(?:document start|block end)>'?, but found.*", _BAD_INDENT),
)
"""In plain words, what the parser says of common mistakes."""


def is_yaml(path: str) -> bool:
    """Whether a file is YAML, by the ending of its name."""
    return path.lower().endswith(ENDINGS)


def to_json(data: bytes) -> bytes:
    """Return the JSON that says what a YAML text says.

    Keys and times stay as they are written. So do numbers that YAML 1.1 and 1.2 read differently, such as
    `010` and `1:30`: they are texts, and are refused where a number is needed.

    Raises:
        UnusableDocumentError: It is no YAML, or says something silently, without a bound, or beyond JSON.
    """
    import yaml  # only these files need it

    class Loader(yaml.SafeLoader):
        """Refuses what would count silently or without a bound."""

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                mark = self.get_event().start_mark  # type: ignore[no-untyped-call]
                raise yaml.MarkedYAMLError(problem="an alias stands here; write it out", problem_mark=mark)
            return super().compose_node(parent, index)

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
            mapping: dict[Hashable, object] = {}
            for key, value in node.value:
                problem = (
                    "a key is a list or a mapping; write a text"
                    if not isinstance(key, yaml.ScalarNode)
                    else "<< merges keys that may stand here already; write them out"
                    if key.tag.endswith(":merge")
                    else f"{show(key.value)} is there twice; remove one of them"
                    if key.value in mapping
                    else ""
                )
                if problem:
                    raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
                mapping[key.value] = self.construct_object(value, deep=deep)
            return mapping

    Loader.yaml_implicit_resolvers = {
        first: [(tag, _NUMBERS.get(tag, pattern)) for tag, pattern in several if tag not in _TEXTS]
        for first, several in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    text = decode(data)
    try:
        parsed: object = yaml.load(text, Loader)  # noqa: S506 - a subclass of the safe loader
        if isinstance(parsed, str) and _KEY.match(parsed):
            raise UnusableDocumentError(
                "cannot be read as YAML: no blank follows a colon; write one, as in status: active"
            )
        return json.dumps(parsed).encode()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1} column {mark.column + 1}" if mark else ""
        raise UnusableDocumentError(f"cannot be read as YAML: {_explain(text, error)}{place}") from None
    except RecursionError:
        raise UnusableDocumentError(TOO_DEEP) from None
    except TypeError:
        raise UnusableDocumentError("has a tag that JSON does not have; write a text") from None
    except ValueError:
        raise UnusableDocumentError("holds a number that is too long, or cannot be read") from None


def _explain(text: str, error: Exception) -> str:
    """Return what is wrong with a text that is no YAML, and what to do."""
    from rollback_drills.documents.reading.json_faults import MERGE_MARK

    if MERGE_MARK.search(text):
        return "it has the marks of a merge conflict; resolve it"
    why = getattr(error, "problem", None)
    if why is None:
        return "it cannot be parsed, because it holds a control character; remove it"
    plain = ((re.fullmatch(pattern, why), words) for pattern, words in _PLAIN)
    return next((found.expand(words) for found, words in plain if found), why)
