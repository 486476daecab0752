"""The table and the sections of the connectors in the reference, against their blocks."""

import re
from typing import Final

import pytest

from blocks.registry import CONNECTORS
from tests.reading.documentation import TEXTS
from tools.connector_tables import HEADER, write

REFERENCE: Final = TEXTS["docs/reference/connectors.md"]
PREFIX: Final = "Rollback drills: "


def test_the_table_of_the_connectors_is_the_one_that_the_tool_writes() -> None:
    assert HEADER in REFERENCE
    assert write(REFERENCE) == REFERENCE, "run tools/connector_tables.py"


@pytest.mark.parametrize("block", [each.get_block_type_name() for each in CONNECTORS.values()])
def test_every_connector_has_a_section_that_says_how_it_behaves(block: str) -> None:
    heading = rf"^## {block.removeprefix(PREFIX)}$"
    (section,) = re.findall(rf"(?ims){heading}(.*?)(?=^## |\Z)", REFERENCE)
    for row in ("reminder", "closing message", "what may arrive twice", "`drills connectors test`"):
        assert f"\n| {row} | " in section
