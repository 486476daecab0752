"""`drills outbox` and `drills connectors enable`, as people call them."""

import json
import re
import time
from pathlib import Path

import pytest
from sqlalchemy import update

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import OUTBOX
from rollback_drills.notifications.states import State
from rollback_drills.outbox.claims import Result, settle_and_claim
from rollback_drills.outbox.commit import commit
from rollback_drills.outbox.destinations import note_pause_or_death
from rollback_drills.outbox.queries import get_row
from rollback_drills_cli.main import main
from tests.samples.builders import open_key
from tests.samples.databases import empty_sqlite
from tests.samples.outbox import make_entries


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Configure a database that holds three notifications: delivered, refused, waiting."""
    found = empty_sqlite(tmp_path / "evidence.db")
    monkeypatch.setenv("DRILLS_DATABASE_URL", found)
    monkeypatch.setattr("rollback_drills_cli.acts.open_key", open_key)
    for module in ("outbox", "connectors"):
        monkeypatch.setattr(f"rollback_drills_cli.{module}.find_replay_approvals", frozenset)
    database = Database.at(found)
    commit(database, list(make_entries(3)), [], now=time.time())
    end(database, State.DELIVERED, "answered 200")
    end(database, State.PERMANENT, "answered 422: no such channel")
    return found


BY = ("--by", "maria", "--reason", "the channel exists again")


def end(database: Database, state: State, detail: str) -> None:
    """Claim the next notification and let it end in a state."""
    now = time.time()
    (claimed,), _ = settle_and_claim(database, "webhook", [], 1, claim="x", now=now, lease_seconds=60)
    result = Result(claimed.message_id, "x", state, None, 1, 0, False, now, now, 200, detail, "", "")
    settle_and_claim(database, "webhook", [result], 0, claim="x", now=now, lease_seconds=60)


def drills(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[int, str]:
    """Call the command; give its exit code and all that it printed."""
    monkeypatch.setattr("sys.argv", ["drills", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out + printed.err


def listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> list[dict[str, str]]:
    """Return the items of `drills outbox list --json`."""
    code, printed = drills(capsys, monkeypatch, "outbox", "list", "--json", *words)
    assert code == 0
    document, _ = json.JSONDecoder().raw_decode(printed)  # a line for people may follow it
    items: list[dict[str, str]] = document["items"]
    return items


def test_lists_what_became_of_each_and_finds_dead_letters(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [each["state"] for each in listed(capsys, monkeypatch)] == ["pending", "permanent", "delivered"]
    assert [each["state"] for each in listed(capsys, monkeypatch, "--dead")] == ["permanent"]
    assert [each["state"] for each in listed(capsys, monkeypatch, "--state", "delivered")] == ["delivered"]
    assert listed(capsys, monkeypatch, "--provider", "slack") == []

    monkeypatch.setenv("COLUMNS", "200")
    code, table = drills(capsys, monkeypatch, "outbox", "list")

    assert code == 0
    assert "answered 422: no such channel" in " ".join(table.replace("│", " ").split())
    assert "3 of 3 notifications" in table
    for each in ("committed ", "tried ", " ago ", "payments-team, through webhook"):
        assert each in table


def test_shows_one_with_its_message_and_never_a_traceback(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    its_id = listed(capsys, monkeypatch)[0]["notification_id"]

    code, printed = drills(capsys, monkeypatch, "outbox", "show", its_id)

    assert code == 0
    assert json.loads(printed)["notification"]["title"].startswith("Rollback drill overdue: payments")
    code, printed = drills(capsys, monkeypatch, "outbox", "show", "gordmsg-none")
    assert code == 2
    assert printed == 'drills: there is no notification "gordmsg-none"; `drills outbox list` shows the ids\n'


def test_replays_and_discards_dead_letters(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    its_id = listed(capsys, monkeypatch, "--dead")[0]["notification_id"]

    assert drills(capsys, monkeypatch, "outbox", "discard", its_id, *BY)[0] == 0
    item = get_row(Database.open(url), its_id)
    assert item is not None
    assert item.state is State.DISCARDED

    code, printed = drills(capsys, monkeypatch, "outbox", "replay", its_id, its_id, *BY)

    assert code == 0
    assert "1 of 1 notification is due again" in printed
    item = get_row(Database.open(url), its_id)
    assert item is not None
    assert item.state is State.RETRY


@pytest.mark.slow
def test_a_replay_that_needs_a_second_person_is_requested_approved_and_executed(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    needing = frozenset({"webhook"})
    monkeypatch.setattr("rollback_drills_cli.outbox.find_replay_approvals", lambda: needing)
    its_id = listed(capsys, monkeypatch, "--dead")[0]["notification_id"]

    code, printed = drills(capsys, monkeypatch, "outbox", "replay", its_id, *BY)
    assert (code, printed.count("\n")) == (1, 1)
    assert "The refusal is in the evidence" in printed
    code, printed = drills(capsys, monkeypatch, "outbox", "request-replay", "--dead", *BY)
    assert code == 0
    (replay_id,) = set(re.findall(r"gordreplay-[0-9a-f]{16}", printed))
    assert re.search(
        r"maria asks to replay 1 notification\. .* before \d+ \w{3} \d{4}, \d\d:\d\d UTC:", printed
    )

    def step(name: str, by: str) -> tuple[int, str]:
        return drills(capsys, monkeypatch, "outbox", f"{name}-replay", replay_id, "--by", by)

    assert step("execute", "maria")[0] == 1
    code, printed = step("approve", "Maria")
    assert (code, printed.count("\n")) == (1, 1)
    assert "somebody else must approve it" in printed
    assert step("approve", "jo")[0] == 0
    assert "Due again: 1 notification. The next" in step("execute", "maria")[1]
    assert step("execute", "maria")[0] == 2
    code, printed = drills(capsys, monkeypatch, "outbox", "requests", "--json")
    (request,) = json.loads(printed)["items"]
    assert (request["state"], request["approved_by"], request["refusal_count"]) == ("executed", "jo", 2)


@pytest.mark.parametrize(
    "words",
    [
        ("outbox", "replay", "--dead"),
        ("outbox", "discard", "--dead"),
        ("connectors", "enable", "webhook"),
    ],
)
def test_a_script_that_names_nobody_gets_one_line(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    code, printed = drills(capsys, monkeypatch, *words)

    remedy = "the evidence says who does this and why: add --by NAME --reason TEXT"
    assert (code, printed) == (2, f"drills: --by is missing; {remedy}\n")


def test_outages_are_listed_and_end_with_1_while_one_is_open(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    its_id = listed(capsys, monkeypatch, "--dead")[0]["notification_id"]
    drills(capsys, monkeypatch, "outbox", "discard", its_id, *BY)

    code, printed = drills(capsys, monkeypatch, "connectors", "outages")

    assert code == 1
    assert "1 of 1 outage; open: 1." in printed
    assert "1 by maria" in printed
    code, printed = drills(capsys, monkeypatch, "connectors", "outages", "--provider", "slack", "--json")
    document, _, note = printed.rpartition("drills: ")
    assert (code, json.loads(document)["total"]) == (0, 0)
    assert note == 'nothing is recorded for the provider "slack"; there is webhook\n'


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["replay"], "pass ids of notifications, or --dead for all dead letters"),
        (["discard", "gordmsg-none", "--dead"], "pass ids of notifications, or --dead for all dead letters"),
        (["replay", "a\nb"], 'there is no notification "a\\nb"'),
        (["replay", "gordmsg-none"], 'there is no notification "gordmsg-none"'),
        (["replay", "gordmsg-none", "--provider", "slack"], "--provider needs --dead"),
    ],
)
def test_what_is_asked_wrongly_changes_nothing(
    words: list[str],
    remedy: str,
    url: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = listed(capsys, monkeypatch)

    code, printed = drills(capsys, monkeypatch, "outbox", *words, *BY)

    assert code == 2
    assert remedy in printed
    assert listed(capsys, monkeypatch) == before


@pytest.mark.usefixtures("url")
def test_a_provider_without_dead_letters_is_named_with_those_that_there_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, printed = drills(capsys, monkeypatch, "outbox", "discard", "--dead", "--provider", "nosuch", *BY)

    assert code == 0
    assert 'drills: nothing is recorded for the provider "nosuch"; there is webhook' in printed


def test_a_delivered_notification_is_not_sent_again(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    its_id = listed(capsys, monkeypatch, "--state", "delivered")[0]["notification_id"]

    code, printed = drills(capsys, monkeypatch, "outbox", "replay", its_id, *BY)

    assert code == 0
    assert "0 of 1 notification is due again" in printed
    assert listed(capsys, monkeypatch, "--state", "delivered")


def test_dead_letters_that_matter_no_more_are_named_and_not_replayed(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Database.open(url).write() as connection:
        connection.execute(update(OUTBOX).values(is_closed=True))

    code, printed = drills(capsys, monkeypatch, "outbox", "replay", "--dead", *BY)

    assert (code, len(listed(capsys, monkeypatch, "--dead"))) == (0, 1)
    assert "drills: 1 dead letter is settled, and not sent again: a newer one says it" in printed
    assert (
        "1 of 1 notification is discarded"
        in drills(capsys, monkeypatch, "outbox", "discard", "--dead", *BY)[1]
    )


def test_a_replay_says_what_still_holds_it_back(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database.open(url)
    assert "paused" not in drills(capsys, monkeypatch, "outbox", "replay", "--dead", *BY)[1]

    (again,) = listed(capsys, monkeypatch, "--state", "retry")
    with database.write() as connection:
        note_pause_or_death(
            database, connection, "webhook", cool_until=time.time() + 600, disabled_at=None, because=""
        )
    paused = drills(capsys, monkeypatch, "outbox", "replay", again["notification_id"], *BY)[1]
    with database.write() as connection:
        note_pause_or_death(
            database, connection, "webhook", cool_until=None, disabled_at=time.time(), because="gone"
        )
    disabled = drills(capsys, monkeypatch, "outbox", "replay", again["notification_id"], *BY)[1]

    assert "webhook is paused: nothing is sent there before" in paused
    assert "webhook: the connector is disabled (gone); fix it, then run: drills connectors enable" in disabled


def test_a_dead_connector_is_named_and_enabled(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    end(Database.open(url), State.DISABLED, "answered 410: gone")
    assert "drills connectors enable webhook" in drills(capsys, monkeypatch, "outbox", "list")[1]

    code, printed = drills(capsys, monkeypatch, "connectors", "enable", "webhook", *BY)

    assert (code, printed) == (0, "webhook is enabled; notifications that are due again: 1.\n")
    code, printed = drills(capsys, monkeypatch, "connectors", "enable", "webhook", *BY)
    assert code == 2
    assert "webhook is not disabled; disabled are: none" in printed


@pytest.mark.slow
def test_a_connector_is_disabled_by_a_person_and_has_an_outage(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from blocks.registry import ConfiguredConnector  # imports Prefect, which takes a second

    monkeypatch.setenv("COLUMNS", "250")
    known = [ConfiguredConnector("webhook", "webhook", enabled=True)]
    monkeypatch.setattr("blocks.registry.configured_connectors", lambda: known)

    code, printed = drills(capsys, monkeypatch, "connectors", "disable", "webhok", *BY)
    assert (code, printed) == (2, "drills: there is no connector webhok; configured are: webhook\n")
    code, printed = drills(capsys, monkeypatch, "connectors", "disable", "webhook", *BY)

    enabling = "drills connectors enable webhook --by YOU --reason WHY"
    assert (code, printed) == (0, f"webhook is disabled. To enable it, run: {enabling}\n")
    (outage,) = json.loads(drills(capsys, monkeypatch, "connectors", "outages", "--json")[1])["items"]
    # it began with the refusal before
    assert (outage["is_open"], outage["cause"]) == (True, "refused")
    assert (outage["waiting_count"], outage["dead_letter_count"]) == (1, 1)
    assert "disabled by maria" in drills(capsys, monkeypatch, "outbox", "list")[1]

    closed = drills(capsys, monkeypatch, "connectors", "close-outage", "webhook", *BY)
    assert closed == (0, "The outage of webhook is closed; still undelivered: 2.\n")
    code, printed = drills(capsys, monkeypatch, "connectors", "outages")
    assert (code, "closed by" in " ".join(printed.split())) == (0, True)
    code, printed = drills(capsys, monkeypatch, "connectors", "close-outage", "webhook", *BY)
    assert (code, printed) == (2, "drills: webhook has no open outage; open are those of: none\n")


def test_says_so_when_there_is_no_outbox(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, printed = drills(
        capsys, monkeypatch, "outbox", "list", "--database", f"sqlite:///{tmp_path / 'none.db'}"
    )

    assert code == 2
    assert "there is no outbox at" in printed
    assert list(tmp_path.iterdir()) == []
