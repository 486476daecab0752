"""No cell of a CSV table is a formula, whatever a name or a reason begins with (OWASP, CSV injection)."""

import pytest

from rollback_drills.rendering.csv_cells import write_cell


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\ufeff=", "\u200b@", "\uff1d"]
)
def test_what_a_spreadsheet_takes_for_a_formula_gets_a_quotation_mark(start: str) -> None:
    assert write_cell(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize("separator", ["\n", "\n\n", "\r\n", "\t", ";", "; \n"])
def test_so_does_what_stands_behind_another_separator(separator: str) -> None:
    assert write_cell(f"moved{separator}=1+1") == f"moved{separator}'=1+1"


@pytest.mark.parametrize("text", ["payments", "a=b", "why - because", "maria@team", "1-2", "", "'=1"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert write_cell(text) == text


def test_what_is_not_there_is_empty() -> None:
    assert write_cell(None) == ""


@pytest.mark.parametrize("character", ["a", "é", "🔥"])
def test_a_cell_holds_no_more_than_excel_takes_so_that_none_begins_in_its_midst(character: str) -> None:
    units = len(character.encode("utf-16-le")) // 2
    fits = character * (32_767 // units)

    assert write_cell(fits) == fits
    cut = write_cell(f"{fits}{character}=1+1")
    assert cut == character * (32_766 // units) + "…"
    assert len(write_cell("=" + "1" * 40_000)) == 32_767
