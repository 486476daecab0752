"""The console as files: whole or not at all, in a folder of its own, with links that lead somewhere."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from typer.testing import CliRunner

from rollback_drills.console import export
from rollback_drills.console.export import MARKER, count_pages, write_export
from rollback_drills.console.links import Links, StaticLinks
from rollback_drills.console.pages import OF_EVIDENCE
from rollback_drills.console.source import Console, read_console
from rollback_drills.database.connections import Database
from rollback_drills.errors import DrillsError, UsageError
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import judge_all
from rollback_drills_cli.main import app
from tests.reading.html_pages import HtmlPage
from tests.samples.builders import DRILL, NOW, SCHEDULE, make_subject
from tests.samples.world import FLOW_RUN, World

HOSTILE = ("..", "a/b", "a\\b", "COM1", "<img src=x onerror=alert(1)>", "é", "É", "é ", "😀", "a?b#c%2f")


def make_console(*names: str, database: Database | None = None) -> Console:
    """Return ready schedules of these names."""
    subjects = [make_subject([DRILL], schedule_id=name) for name in names]
    return read_console(database, subjects, judge_all(subjects, Criteria(), now=NOW), now=NOW)


def write(console: Console, folder: Path) -> list[int]:
    """Write an export, and give the progress that was told."""
    told: list[int] = []
    write_export(console, folder, StaticLinks(), progress=told.append)
    return told


def names_of(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.slow
def test_every_link_leads_to_a_file_of_the_export(tmp_path: Path) -> None:
    console = make_console(*HOSTILE, *(f"service-{number:03}" for number in range(95)))
    folder = tmp_path / "site"

    told = write(console, folder)

    pages = [each for each in folder.iterdir() if each.suffix == ".html"]
    assert told == list(range(1, len(pages) + 1))
    assert len(pages) == count_pages(console) == 2 + 5 + 2 * 2 + 4 + 105 + 6
    for path in pages:
        page = HtmlPage(path.read_text(encoding="utf-8"))
        for address in page.addresses:
            name = unquote(address.partition("#")[0])
            assert name == "" or (folder / name).is_file(), f"{path.name}: {address}"
            assert name == Path(name).name
    assert {"index.html", "fleet-2.html", "style.css", MARKER} <= set(names_of(folder))
    assert names_of(tmp_path) == ["site"], "nothing is left beside it"


def test_pages_that_need_evidence_say_that_there_is_none(tmp_path: Path) -> None:
    write(make_console("payments"), tmp_path / "site")

    for name in OF_EVIDENCE:
        page = HtmlPage((tmp_path / "site" / f"{name}.html").read_text(encoding="utf-8"))
        assert page.find("h1")[0].text == "There is no evidence yet"


def test_a_later_export_replaces_an_earlier_one(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    write(make_console("payments", "gone"), folder)
    before = names_of(folder)

    write(make_console("payments"), folder)

    left = set(before) - set(names_of(folder))
    assert [each.partition("-gone-")[0] for each in left] == ["schedule"] * len(left) != []
    assert names_of(tmp_path) == ["site"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    write(make_console("payments"), tmp_path / "site")
    assert (tmp_path / "site/index.html").is_file()


@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
def test_what_is_no_export_is_left_alone(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "site"
    if kind == "folder":
        folder.mkdir()
        (folder / "index.html").write_text("mine")
    elif kind == "file":
        folder.write_text("mine")
    else:
        folder.symlink_to(tmp_path / "nowhere")

    with pytest.raises(UsageError, match="not an export of the console; name another folder"):
        write(make_console("payments"), folder)
    assert names_of(tmp_path) == ["site"]
    assert kind != "folder" or (folder / "index.html").read_text() == "mine"


def test_an_export_that_fails_leaves_the_earlier_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "site"
    write(make_console("payments"), folder)

    def broken(console: Console, links: Links) -> Iterator[tuple[str, str]]:
        yield "index.html", "half"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "_pages", broken)
    with pytest.raises(UsageError, match="cannot be written: no space left on device"):
        write(make_console("payments"), folder)
    assert "payments" in (folder / "index.html").read_text()
    assert names_of(tmp_path) == ["site"]


def test_a_swap_that_fails_puts_the_earlier_one_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "site"
    write(make_console("payments"), folder)
    rename = Path.rename

    def once(self: Path, target: Path) -> Path:
        if ".partial-" in self.name and not self.name.endswith("-old"):
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", once)
    with pytest.raises(UsageError, match="input/output error"):
        write(make_console("payments"), folder)
    assert names_of(tmp_path) == ["site"]
    assert (folder / MARKER).is_file()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"out .* cannot be written: not a directory"):
        write(make_console("payments"), tmp_path / "file" / "site")


def test_the_permissions_are_those_of_new_files(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(make_console("payments"), tmp_path / "site")
    finally:
        os.umask(before)
    assert (tmp_path / "site").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "site/index.html").stat().st_mode & 0o777 == 0o640


def run(*arguments: str, environ: dict[str, str] | None = None) -> tuple[int, str]:
    """Run the command; give its exit code and what it says."""
    result = CliRunner().invoke(app, ["console", *arguments], env=environ)
    if isinstance(result.exception, DrillsError):
        return 2, str(result.exception)
    return result.exit_code, result.output


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """Write a schedule."""
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "payments-schedule.json").write_text(json.dumps(SCHEDULE))
    return folder


@pytest.mark.slow
def test_the_command_writes_the_state_of_an_instant(tmp_path: Path, documents: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'evidence.db'}")
    World(database, {}).check()
    database.engine.dispose()
    out = tmp_path / "site"

    code, said = run(
        *("--schedule", str(documents), "--out", str(out), "--now", NOW.isoformat()),
        *("--database", f"sqlite:///{tmp_path / 'evidence.db'}", "--prefect-ui", "http://127.0.0.1:4200/"),
    )

    assert (code, said) == (0, f"18 pages are in {out}; open {out}/index.html\n")
    (schedule,) = [each for each in out.iterdir() if each.match("schedule-*.html")]
    page = HtmlPage(schedule.read_text(encoding="utf-8"))
    assert [each for each in page.addresses if "//" in each] == [
        "http://127.0.0.1:4200/artifacts/key/rollback-drill-payments",
        f"http://127.0.0.1:4200/runs/flow-run/{FLOW_RUN}",
    ]
    assert "deliver team-a slack" in page.text


def test_documents_that_cannot_be_read_replace_an_export_that_looks_well(
    tmp_path: Path, documents: Path
) -> None:
    out, database = tmp_path / "site", f"sqlite:///{tmp_path / 'none.db'}"
    assert run("--schedule", str(documents), "--out", str(out), "--database", database)[0] == 0

    code, said = run("--schedule", str(tmp_path / "*.json"), "--out", str(out), "--database", database)

    assert code == 2
    assert "matches no schedule document" in said
    for name in ("index", "calendar", *OF_EVIDENCE):
        page = HtmlPage((out / f"{name}.html").read_text(encoding="utf-8"))
        assert page.find("h1")[0].text == "The documents cannot be read"
        assert "matches no schedule document" in page.text


def test_a_database_that_cannot_be_read_is_said_by_pages_and_exit_code(
    tmp_path: Path, documents: Path
) -> None:
    out = tmp_path / "site"
    (tmp_path / "evidence.db").write_text("no database at all")

    code, said = run(
        "--schedule", str(documents), "--out", str(out), "--database", f"sqlite:///{tmp_path / 'evidence.db'}"
    )

    assert code == 2
    assert "file is not a database" in said
    assert str(tmp_path) in said
    for page in out.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "evidence.db" not in text, "a page may be published"
    assert "the database cannot be used" in HtmlPage((out / "evidence.html").read_text(encoding="utf-8")).text


@pytest.mark.parametrize(
    "address", ["", "javascript:alert(1)", "prefect", "http://", "http://u:p@host", "http://[x"]
)
def test_an_address_that_no_page_may_link_to_is_refused(tmp_path: Path, address: str) -> None:
    code, said = run("--out", str(tmp_path / "site"), "--prefect-ui", address)

    assert (code, said) == (
        2,
        "--prefect-ui is not the address of a Prefect UI; write it like http://127.0.0.1:4200",
    )
    assert not (tmp_path / "site").exists()


def test_the_address_may_come_from_the_environment(tmp_path: Path) -> None:
    code, said = run("--out", str(tmp_path / "site"), environ={"PREFECT_UI_URL": "nowhere"})
    assert code == 2
    assert said.startswith("PREFECT_UI_URL is not the address")
