"""What an evidence index may look like to be imported, and what is said of one that may not."""

import json
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.imported_index import import_records, read_index
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.ledger import verify_ledger
from tests.samples.builders import NOW, open_key

RECORD: dict[str, Any] = {
    "schema_version": "cavra.evidence.metadata.v1",
    "session_id": "rcd-payments-0123456789ab",
    "created_at": "2025-03-01T09:00:00Z",
    "metadata_kind": "release-connector-delivery",
}
TEXT = json.dumps(RECORD)


def read(folder: Path, content: bytes | str) -> list[dict[str, Any]]:
    path = folder / "index.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [dict(each) for each in read_index(path).values()]


def with_field(field: str) -> str:
    """Write a record that has one more field."""
    return f"{TEXT[:-1]}, {field}}}"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(TEXT, id="one line"),
        pytest.param(f"{TEXT}\r\n", id="one line of Windows"),
        pytest.param(f"\ufeff[{TEXT}]", id="array after a byte order mark"),
        pytest.param(f"\ufeff{TEXT}\n{TEXT}", id="lines after a byte order mark"),
        pytest.param(json.dumps({"items": [RECORD], "total": 1}, indent=2), id="indented"),
    ],
)
def test_every_way_to_write_an_index_is_read(content: str, tmp_path: Path) -> None:
    assert read(tmp_path, content) == [RECORD]


def test_a_line_break_of_unicode_within_a_text_ends_no_line(tmp_path: Path) -> None:
    lines = [json.dumps({**RECORD, "notes": f"{n}\u2028\u0085"}, ensure_ascii=False) for n in range(2)]

    assert [each["notes"] for each in read(tmp_path, "\n".join(lines))] == ["0\u2028\u0085", "1\u2028\u0085"]


def test_a_record_may_have_a_field_named_like_a_list(tmp_path: Path) -> None:
    assert read(tmp_path, with_field('"items": [1]')) == [{**RECORD, "items": [1]}]


@pytest.mark.parametrize("name", ["schema_version", "created_at", "metadata_kind", "session_id"])
def test_a_record_without_a_needed_field_is_refused(name: str, tmp_path: Path) -> None:
    record = {key: value for key, value in RECORD.items() if key != name}

    with pytest.raises(UsageError, match=rf"index\.json: \$\.items\[1\]\.{name} is null"):
        read(tmp_path, json.dumps({"items": [RECORD, record]}))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", "is empty", id="nothing"),
        pytest.param(b" \n\n", "is empty", id="blank lines"),
        pytest.param(b"\xef\xbb\xbf", "is empty", id="a byte order mark alone"),
        pytest.param(
            f'[{TEXT},\n{{"a": "\xff"}}]'.encode("latin-1"), "is not UTF-8 text (byte", id="no UTF-8"
        ),
        pytest.param(json.dumps([RECORD]).encode("utf-16"), "is not UTF-8 text (byte 0)", id="UTF-16"),
        pytest.param(b"<html>", "is not JSON: expecting value, line 1 column 1", id="a page"),
        pytest.param(f"[\n{TEXT},\n{{]", "line 3 column 2", id="broken array"),
        pytest.param(f"[\n{TEXT}\n]\n[", "is not JSON: extra data, line 4 column 1", id="two arrays"),
        pytest.param(f"{TEXT}\n{TEXT[:-1]}\n", "line 2: is not JSON", id="broken line"),
        pytest.param(f"{TEXT}\n3\n", "line 2: $ is 3; must be an object", id="line that is no record"),
        pytest.param("null", "$ is null; write an array", id="null"),
        pytest.param('{"items": {}}', "$.items is {}; write an array", id="items that are no list"),
        pytest.param('{"items": [], "records": []}', "either items or records", id="two lists"),
        pytest.param("{}", "either items or records", id="no list"),
        pytest.param('{"records": []}', "holds no record", id="no records"),
        pytest.param("1e999", "$ is 1e999; no reader", id="a number that is none"),
        pytest.param("[1e999]", "$[0] is 1e999; no reader", id="a record that is such a number"),
        pytest.param('{"items": NaN}', "$.items is NaN, which is no JSON", id="items that are such a number"),
        pytest.param("[" * 100_000, "is nested too deeply", id="100,000 deep"),
        pytest.param(
            json.dumps([{**RECORD, "schema_version": "v2"}]), '$[0].schema_version is "v2"', id="schema"
        ),
        pytest.param(
            json.dumps([{**RECORD, "created_at": "0001-01-01T00:00:00+23:00"}]),
            "$[0].created_at is",
            id="before the first year",
        ),
    ],
)
def test_what_cannot_be_carried_over_is_one_line_with_its_place(
    content: bytes | str, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, content)

    message = str(caught.value)
    assert problem in message
    assert message.startswith(str(tmp_path / "index.json"))
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "written", "problem"),
    [
        pytest.param("n", "1e400", "$[1].n is 1e400; ", id="too large a fraction"),
        pytest.param("n", str(2**70), f"$[1].n is {2**70}; ", id="too large an integer"),
        pytest.param("n", str(-(2**53)), f"$[1].n is {-(2**53)}; ", id="first integer that is too large"),
        pytest.param("n", "9" * 5000, "$[1].n is 99999", id="5,000 digits"),
        pytest.param("n", "[0, NaN]", "$[1].n[1] is NaN, which is no JSON", id="NaN"),
        pytest.param("a", '{"b": -Infinity}', "$[1].a.b is -Infinity", id="infinity"),
        pytest.param("session_id", '"x"', "$[1].session_id stands there twice", id="key twice"),
        pytest.param("n", '"\\ud800"', "$[1].n holds half of a surrogate pair", id="surrogate"),
        pytest.param("\\ud800", "1", "holds half of a surrogate pair", id="surrogate in a key"),
        pytest.param("n", "[" * 60 + "]" * 60, "more than 50 deep", id="60 deep"),
    ],
)
def test_a_value_that_would_be_changed_on_the_way_is_refused(
    name: str, written: str, problem: str, tmp_path: Path
) -> None:
    record = with_field(f'"{name}": {written}')

    with pytest.raises(UsageError) as caught:
        read(tmp_path, f"[{TEXT}, {record}]")

    assert problem in str(caught.value)
    with pytest.raises(UsageError, match=r"index\.json: line 2: "):
        read(tmp_path, f"{TEXT}\n{record}\n")


def test_the_largest_numbers_that_json_carries_are_taken(tmp_path: Path) -> None:
    numbers = [2**53 - 1, -(2**53) + 1, 1e308, 5e-324, 0]

    assert read(tmp_path, with_field(f'"n": {json.dumps(numbers)}'))[0]["n"] == numbers


def test_a_record_that_says_what_no_column_holds_is_imported_whole(
    database: Database, tmp_path: Path
) -> None:
    odd = {
        "schedule_id": "a\0b",
        "cycle_id": "c" * 41,
        "provider": 3,
        "owner": "x" * 201,
        "action": None,
        "category": "y" * 40,
        "delivery_success": "yes",
    }
    path = tmp_path / "index.json"
    path.write_text(json.dumps([{**RECORD, **odd}]))

    import_records(
        database, read_index(path), file_name="index.json", created_at=NOW, signer="maria", open_key=open_key
    )

    records, total = EvidenceIndex(database).find(EvidenceFilter(category="y" * 40))
    assert (total, records[0]["original"]) == (1, {**RECORD, **odd})
    assert verify_ledger(database, Trust(), lambda _: None).findings == []


@pytest.mark.slow
def test_an_import_that_fails_on_the_way_adds_nothing(database: Database) -> None:
    records = {str(number): {**RECORD, "n": number} for number in range(2000)} | {"last": {"n": 2**53}}

    with pytest.raises(UsageError, match="cannot be written as canonical JSON"):
        import_records(
            database, records, file_name="index.json", created_at=NOW, signer="maria", open_key=open_key
        )

    assert find_head(database) is None
    assert EvidenceIndex(database).find(EvidenceFilter())[1] == 0


def test_the_name_of_the_file_is_redacted_too(database: Database) -> None:
    name = "export-xoxb-2025-in-a-file-name.json"

    import_records(database, {"a": RECORD}, file_name=name, created_at=NOW, signer="maria", open_key=open_key)

    (newest, *_), _ = EvidenceIndex(database).find(EvidenceFilter())
    assert newest["imported_from"] == "export-[redacted].json"
