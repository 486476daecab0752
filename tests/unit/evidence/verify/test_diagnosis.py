"""Which rows of an export are named when they are not as they were signed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.samples.bundles import (
    change_both,
    change_rows,
    drop,
    flip,
    garble,
    repeat,
    swap,
    verified,
)

case = pytest.param


def number_as_text(lines: list[bytes]) -> None:
    lines[5] = lines[5].replace(b'"leaf_index":5', b'"leaf_index":"5"')


def forge_within(lines: list[bytes]) -> None:
    lines.insert(8, lines[3].replace(b'"leaf_index":3', b'"leaf_index":99'))


def flip_last(lines: list[bytes]) -> None:
    lines[-1] = lines[-1].replace(b"delivered", b"deliverex")


def drop_twice(lines: list[bytes]) -> None:
    del lines[8], lines[3:5]


def move_back(lines: list[bytes]) -> None:
    lines.insert(4, lines.pop(1))


def repeat_very_often(lines: list[bytes]) -> None:
    lines.extend([lines[20]] * 1002)


CHANGES = [
    case(
        garble,
        ["line 6 of rows.jsonl holds no record any more", "row 5 is missing"],
        ["line 6 of rows.jsonl holds no record any more", "row 9 is missing"],
        id="garble",
    ),
    case(
        number_as_text,
        ["line 6 of rows.jsonl holds no record any more", "row 5 is missing"],
        [],
        id="a number that is a text",
    ),
    case(
        forge_within,
        ["line 9 of rows.jsonl says it is row 99, which is not exported"],
        [],
        id="a row between others",
    ),
    case(
        flip,
        ["row 5 was changed (line 6 of rows.jsonl)"],
        ["row 9 was changed (line 6 of rows.jsonl)"],
        id="flip",
    ),
    case(
        flip_last,
        ["row 20 was changed (line 21 of rows.jsonl)"],
        ["row 16 was changed (line 13 of rows.jsonl)"],
        id="flip the last one",
    ),
    case(drop, ["row 5 is missing"], ["row 9 is missing"], id="drop"),
    case(
        drop_twice,
        ["rows 3 to 4 are missing", "row 8 is missing"],
        ["rows 7 to 8 are missing", "row 12 is missing"],
        id="drop in two places",
    ),
    case(
        repeat,
        ["line 9 of rows.jsonl is row 3 again, as line 4"],
        ["line 9 of rows.jsonl is row 7 again, as line 4"],
        id="insert a copy",
    ),
    case(
        swap,
        ["row 6 stands behind row 7 (line 8 of rows.jsonl)"],
        ["row 10 stands behind row 11 (line 8 of rows.jsonl)"],
        id="reorder",
    ),
    case(
        move_back,
        ["row 1 stands behind row 4 (line 5 of rows.jsonl)"],
        ["row 5 stands behind row 8 (line 5 of rows.jsonl)"],
        id="move",
    ),
]


def found(folder: Path) -> list[str]:
    """Verify an export; return what is found beside that the files are others."""
    return [each.message for each in verified(folder).findings if "not the file" not in each.message]


@pytest.mark.parametrize(("change", "of_all", "of_period"), CHANGES)
def test_one_change_of_the_rows_is_named_once(
    change: Callable[[list[bytes]], object], of_all: list[str], of_period: list[str], bundle: Path
) -> None:
    change_rows(change)(bundle)

    assert found(bundle) == of_all


@pytest.mark.parametrize(("change", "of_all", "of_period"), [each for each in CHANGES if each.values[2]])
def test_one_change_of_the_rows_of_a_period_is_named_once(
    change: Callable[[list[bytes]], object],
    of_all: list[str],
    of_period: list[str],
    pristine: Path,
    tmp_path: Path,
) -> None:
    period = Path(shutil.copytree(pristine / "period", tmp_path / "period"))
    change_rows(change)(period)

    assert found(period) == of_period


@pytest.mark.parametrize(
    ("change", "says"),
    [
        case(flip, [], id="flip"),
        case(drop, ["row 6 stands at place 5 of the tree"], id="drop"),
        case(drop_twice, ["row 5 stands at place 3 of the tree"], id="drop in two places"),
        case(repeat, ["row 3 stands at place 8 of the tree"], id="insert a copy"),
        case(swap, ["row 7 stands at place 6 of the tree"], id="reorder"),
    ],
)
def test_a_change_of_rows_and_tree_is_named_once_by_its_place(
    change: Callable[[list[bytes]], object], says: list[str], bundle: Path
) -> None:
    change_both(change)(bundle)

    first, *others = found(bundle)

    assert first == "rows 0 to 9 are not what was signed"
    assert [each for each in others if "missing at the end" not in each] == says


def test_of_very_many_rows_more_the_first_thousand_are_looked_at(bundle: Path) -> None:
    change_rows(repeat_very_often)(bundle)

    result = verified(bundle)

    # each of a thousand is found, then that the file is not the exported one
    assert result.finding_count == 1000 + 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        case("rows.jsonl", ["line 22 of rows.jsonl holds no record any more"], id="rows"),
        case("tree.txt", [], id="tree"),
        case("checkpoints.txt", [], id="heads"),
    ],
)
def test_what_was_appended_to_a_file_is_left_out(name: str, says: list[str], bundle: Path) -> None:
    with (bundle / name).open("ab") as file:
        file.write(b"leaf x\n")

    result = verified(bundle)

    assert [each.message for each in result.findings] == [*says, f"{name} is not the file that was exported"]
    assert (result.size, result.head_count) == (21, 4)
