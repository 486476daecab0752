"""`drills evidence head`, `prove`, `import`, `prune` and `rotate-key`, as people call them."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.export.bundle import export
from rollback_drills.evidence.export.manifest import Query
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.ledger.checkpoint import SignedNote
from rollback_drills.evidence.ledger.keys import PublicKey
from tests.samples.builders import KEY, NOW
from tests.samples.commands import Drills
from tests.samples.databases import open_sqlite
from tests.samples.tampering import fill, make_row, tampering

RECORD = {
    "schema_version": "cavra.evidence.metadata.v1",
    "session_id": "rcd-payments-0123456789ab",
    "created_at": "2025-03-01T09:00:00Z",
    "metadata_kind": "go-backend-rollback-drill-route-decision",
    "schedule_id": "payments",
    "provider": "teams",
    "owner": "team-z",
    "category": "notify",
}


@pytest.fixture
def database(drills: Drills, tmp_path: Path) -> Database:
    """Put a ledger of six rows, signed with a key that no server has, where the commands look."""
    opened = open_sqlite(tmp_path / "evidence.db")
    fill(opened, (2, 3))
    return opened


def test_the_head_and_the_key_are_printed_as_they_are_kept_elsewhere(
    database: Database, drills: Drills, tmp_path: Path
) -> None:
    newest = find_head(database)
    assert newest
    assert drills("head") == 0
    assert drills.out == str(newest.note)
    (tmp_path / "head.txt").write_text(drills.out)
    assert drills("head", "--key") == 0
    assert drills.out == f"{KEY.public.text}\n"
    (tmp_path / "key.txt").write_text(drills.out)

    kept = ("--checkpoint", str(tmp_path / "head.txt"), "--public-key", str(tmp_path / "key.txt"))
    assert drills.document("verify", "--json", *kept)["findings"] == []
    for name in ("head.txt", "key.txt"):  # as editors on Windows save them
        (tmp_path / name).write_text((tmp_path / name).read_text(), encoding="utf-8-sig", newline="\r\n")
    assert drills.document("verify", "--json", *kept)["findings"] == []
    document = drills.document("head", "--json")
    assert (document["size"], document["checkpoint"]) == (6, str(newest.note))


@pytest.mark.usefixtures("database")
def test_verify_without_a_server_needs_no_folder_of_prefect(
    drills: Drills, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "evidence.db" / "prefect"))

    assert drills("verify") == 0
    assert "not compared with" not in drills.out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            ["--checkpoint", "none"],
            "--checkpoint none cannot be read: no such file or directory; fix the path",
        ),
        (["--checkpoint", "."], "--checkpoint . cannot be read: is a directory; fix the path"),
        (["--checkpoint", "latin.txt"], "--checkpoint latin.txt is not UTF-8 text; save it as UTF-8"),
        (
            ["--public-key", "none"],
            "--public-key: there is no such file, and a public key is not readable; it is",
        ),
        (["--public-key", "a+b+c"], "--public-key: a public key is not readable; it is written NAME+KEY_ID+"),
        (
            ["--public-key", "x" * 5_000],
            "--public-key: there is no such file, and a public key is not readable",
        ),
    ],
)
def test_a_copy_that_cannot_be_read_is_one_line_that_names_its_option(
    words: list[str],
    problem: str,
    database: Database,
    drills: Drills,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin.txt").write_bytes(b"\xff")

    assert drills("verify", *words) == 2
    assert drills.err.startswith(f"drills: {problem}")
    assert drills.err.count("\n") == 1
    assert drills("verify", *words, "--json") == 2
    document = json.loads(drills.out)
    assert document["intact"] is None
    assert document["problem"].startswith(problem)


@pytest.mark.parametrize(
    ("flag", "name"), [("--checkpoint", "checkpoints.txt"), ("--public-key", "public-key.txt")]
)
def test_an_export_is_not_compared_with_itself(
    flag: str, name: str, database: Database, drills: Drills, tmp_path: Path
) -> None:
    folder = tmp_path / "audit"
    export(database, Query(), folder, key=KEY, exported_at=NOW, progress=lambda _: None)
    link = tmp_path / "link"
    link.symlink_to(folder / name)

    for own in (folder / name, link):
        assert drills("verify", str(folder), flag, str(own)) == 2
        assert f"{flag} {own} is a file of the export itself, which proves nothing" in drills.err
    link.unlink()
    assert drills("verify", str(folder), flag, str(shutil.copy(folder / name, link))) == 0


@pytest.mark.parametrize(
    ("words", "names"),
    [
        pytest.param(["3"], {"leaf_index": 3, "size": 6}, id="row"),
        pytest.param(["2", "--size", "3"], {"leaf_index": 2, "size": 3}, id="row in an older tree"),
        pytest.param(["--from-size", "3"], {"old_size": 3, "size": 6}, id="growth"),
        pytest.param(["--from-size", "2", "--size", "5"], {"old_size": 2, "size": 5}, id="older growth"),
    ],
)
def test_a_proof_is_a_document(
    words: list[str], names: dict[str, int], database: Database, drills: Drills
) -> None:
    proof = drills.document("prove", *words)

    assert names.items() <= proof.items()
    assert ("checkpoint" in proof) == (proof["size"] == 6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "problem"),
    [
        pytest.param(["prove"], "pass either ROW or --from-size", id="no row"),
        pytest.param(["prove", "1", "--from-size", "2"], "pass either ROW or --from-size", id="both"),
        pytest.param(["prove", "6"], "has the rows 0 to 5, not 6", id="a row too many"),
        pytest.param(["prove", "1", "--size", "7"], "--size 7", id="a tree too large"),
        pytest.param(["prove", "--from-size", "0"], "does not begin with one of 0", id="from nothing"),
        pytest.param(["prove", str(10**30)], "not 1000", id="a number that no database holds"),
        pytest.param(["show", "6"], "there is no evidence record 6", id="show"),
        pytest.param(["prune", "--by", " "], "--by is empty", id="nobody"),
        pytest.param(["prune", "--by", "m@example.com"], "--by holds an e-mail address", id="an address"),
        pytest.param(
            ["prune", "--by", "maria", "--older-than-months", "11"],
            "--older-than-months is 11",
            id="11 months",
        ),
        pytest.param(["import", "none.json", "--by", "maria"], "none.json cannot be read", id="no file"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(
    words: list[str], problem: str, database: Database, drills: Drills
) -> None:
    assert drills(*words) == 2
    assert problem in drills.err
    assert drills.err.count("\n") == 1


@pytest.mark.parametrize(
    "words", [["head"], ["prove", "1"], ["prune", "--by", "maria"], ["rotate-key", "--by", "maria"], ["list"]]
)
def test_where_there_is_no_evidence_nothing_is_made(words: list[str], drills: Drills, tmp_path: Path) -> None:
    assert drills(*words) == 2
    assert "there is no evidence" in drills.err
    assert list(tmp_path.iterdir()) == []


def test_a_variable_that_auditors_would_mind_is_named(
    database: Database, drills: Drills, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRILLS_EVIDENCE_RETENTION_MONTHS", "6")

    assert drills("prune", "--by", "maria") == 2
    assert "DRILLS_EVIDENCE_RETENTION_MONTHS is" in drills.err


_DAMAGED = ["'{'", "x'ff'", "'[1]'", "'{}'"]
_NO_TEXT = "CAST(x'ff' AS TEXT)"


@pytest.mark.slow
@pytest.mark.parametrize("record", [*_DAMAGED, _NO_TEXT])
def test_a_damaged_record_that_is_asked_for_is_one_line_and_not_a_traceback(
    record: str, database: Database, drills: Drills
) -> None:
    with tampering(database) as connection:
        connection.exec_driver_sql(f"UPDATE ledger SET record = {record} WHERE leaf_index = 3")

    assert drills("show", "3") == 2
    assert drills.err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("record", _DAMAGED)
def test_a_damaged_record_is_left_out_of_the_list_and_named(
    record: str, database: Database, drills: Drills, caplog: pytest.LogCaptureFixture
) -> None:
    with tampering(database) as connection:
        connection.exec_driver_sql(f"UPDATE ledger SET record = {record} WHERE leaf_index = 3")

    assert drills("list") == 0
    assert "5 of 6 records" in drills.out
    assert "row 3 holds no record any more" in caplog.text


def test_verify_tells_findings_from_what_cannot_be_verified(
    database: Database, drills: Drills, tmp_path: Path
) -> None:
    assert drills("verify", "--json") == 0
    assert json.loads(drills.out)["intact"] is True

    with tampering(database) as connection:
        connection.exec_driver_sql("UPDATE ledger SET record = x'ff' WHERE leaf_index = 3")
    assert drills("verify", "--json") == 1
    document = json.loads(drills.out)
    assert (document["intact"], document["finding_count"]) == (False, 1)

    with tampering(database) as connection:
        for table in ("ledger", "ledger_heads"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    assert drills("verify", "--json") == 2
    document = json.loads(drills.out)
    assert (document["intact"], document["finding_count"]) == (None, 0)
    assert document["problem"].startswith("there is no evidence")

    assert drills("verify", str(tmp_path), "--json") == 2
    assert "is not an export of evidence" in json.loads(drills.out)["problem"]


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_nothing_to_prune_needs_no_key_and_writes_nothing(
    words: tuple[str, ...], database: Database, drills: Drills
) -> None:
    before = find_head(database)

    assert drills("prune", "--by", "maria", "--older-than-months", "1200", *words) == 0

    assert drills.out.startswith("0 rows from before ")
    assert find_head(database) == before


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_the_evidence_is_kept_with_a_key_on_the_server(drills: Drills, tmp_path: Path) -> None:
    old = [{**RECORD, "session_id": f"rcd-{number}"} for number in range(3)]
    index = tmp_path / "old-index.json"
    index.write_text(json.dumps({"items": old}))

    assert drills("import", str(index), "--by", "maria") == 0
    assert "Imported: 3; imported before: 0" in drills.out
    assert drills.document("import", str(index), "--by", "maria", "--json") == {"added": 0, "known": 3}
    assert drills("list") == 0
    assert drills.out.count("route-decision (imported)") == 3
    assert drills.out.count("team-z") == drills.out.count("notify") == 3
    assert "ledger-key" in drills.out

    assert drills("head", "--key") == 0
    first = PublicKey.parse(drills.out)
    assert drills("rotate-key", "--by", "maria") == 0
    assert drills("head") == 0
    note = SignedNote.parse(drills.out)
    assert drills("head", "--key") == 0
    second = PublicKey.parse(drills.out)
    assert (second.name, second == first) == (first.name, False)
    assert (note.is_signed_by(first), note.is_signed_by(second)) == (True, True)

    index.write_text(json.dumps([{**RECORD, "session_id": "rcd-new"}]))
    assert drills.document("import", str(index), "--by", "maria", "--json") == {"added": 1, "known": 0}
    assert drills("rotate-key", "--by", "maria", "--lost") == 0
    assert drills("verify", "--public-key", first.text) == 1
    assert "was lost: it did not sign the new key" in drills.out
    assert drills("head") == 0
    (tmp_path / "head.txt").write_text(drills.out)
    kept = ("--public-key", first.text, "--checkpoint", str(tmp_path / "head.txt"))
    assert drills("verify", *kept) == 0
    assert "what you kept elsewhere confirms the new one" in drills.out


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_what_would_be_pruned_is_said_before(drills: Drills, tmp_path: Path) -> None:
    from blocks.ledger_key import open_signing_key  # imports Prefect, which takes seconds

    database = Database.open(f"sqlite:///{tmp_path / 'evidence.db'}")
    old = [make_row(number, created_at="2020-02-29T09:00:00+00:00") for number in range(4)]
    append(database, [*old, make_row(4, created_at=datetime.now(UTC).isoformat())], open_signing_key)
    by = ("--by", "maria", "--json")

    planned = drills.document("prune", "--dry-run", *by)
    assert drills("show", "1") == 0
    done = drills.document("prune", *by)

    assert (planned["row_count"], planned["pruned_before"]) == (4, 5)
    assert (done["row_count"], done["pruned_before"]) == (4, 5)
    assert drills.document("prune", *by)["row_count"] == 0
    assert drills("show", "1") == 2
    assert "its retention is over" in drills.err
    assert drills("list", "--kind", "rollback-drills-ledger-pruning") == 0
    assert "1 of 1 record;" in drills.out
    assert drills("verify") == 0
    assert "4 pruned" in drills.out
