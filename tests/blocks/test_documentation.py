"""The tables of the connectors against their blocks."""

import re
from collections import defaultdict
from typing import Final

from blocks.registry import CONNECTORS
from blocks.secret_fields import is_secret
from tests.reading.documentation import TEXTS, rows

HOW_TO: Final = TEXTS["docs/how-to/set-up-connectors.md"]
REFERENCE: Final = TEXTS["docs/reference/connectors.md"]
PREFIX: Final = "Rollback drills: "
BLOCKS: Final = {each.get_block_type_name().removeprefix(PREFIX): each for each in CONNECTORS.values()}


def fields_in(cell: str) -> set[tuple[str, bool]]:
    """Return the fields that a cell names, each with whether it has the star of what must be set."""
    return {(name, bool(star)) for name, star in re.findall(r"`(\w+)`(\\\*)?", cell)}


def test_the_manual_lists_the_fields_of_every_block_those_that_are_needed_and_those_that_are_secret() -> None:
    secret, other = defaultdict[str, set[tuple[str, bool]]](set), defaultdict[str, set[tuple[str, bool]]](set)
    blocks: dict[str, str] = {}
    name = ""
    for first, second, third, fourth in rows(HOW_TO, "| `type` |"):
        name = first.strip("`") or name
        blocks[name] = second or blocks[name]
        secret[name] |= fields_in(third)
        other[name] |= fields_in(fourth)

    assert {name: PREFIX + block for name, block in blocks.items()} == {
        name: connector.get_block_type_name() for name, connector in CONNECTORS.items()
    }
    for name, connector in CONNECTORS.items():
        own = {each: field for each, field in connector.model_fields.items() if each != "enabled"}
        found = {(each, field.is_required()) for each, field in own.items() if is_secret(field)}
        assert secret[name] == found, name
        assert other[name] == {(each, field.is_required()) for each, field in own.items()} - found, name


def test_the_reference_says_how_many_schedules_are_in_one_message_and_how_many_are_on_their_way() -> None:
    listed = {
        name: (int(most), int(workers))
        for names, most, workers in rows(REFERENCE, "| connector | `most_in_one_message` |")
        for name in names.split(", ")
    }

    for block, connector in BLOCKS.items():
        (name,) = [each for each in listed if each in (block, block.capitalize())] or [
            each for each in listed if block.startswith(f"{each} ") or block.endswith(f" {each}")
        ]
        assert listed.pop(name) == (connector.most_in_one_message, connector.workers), name
    assert listed == {}
