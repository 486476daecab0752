"""What the API keeps ready, and how much it lets one caller ask."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect import State
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Pending, Running, Scheduled
from sqlalchemy import insert, update

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import DESTINATIONS
from rollback_drills.redaction.redactor import remember_secrets
from rollback_drills_api.answer_cache import Answers, encode
from rollback_drills_api.database_watch import DatabaseWatch
from rollback_drills_api.flow_runs import Ran, run_deployed, run_embedded
from rollback_drills_api.http.limits import RateLimit
from rollback_drills_api.problems import Problem
from tests.unit.conftest import database, url  # noqa: F401 - fixtures


def unchanged() -> str:
    return "1"


def test_an_answer_stays_while_what_it_is_made_of_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollback_drills_api.answer_cache._FRESH_SECONDS", 0.0)
    monkeypatch.setattr("rollback_drills_api.answer_cache._TIMES_ITS_COST", 0.0)
    versions, made = iter(["1", "1", "2", "2"]), iter(range(9))

    async def ask() -> list[bytes]:
        answers = Answers()
        return [
            bytes((await answers.give("key", lambda: next(versions), lambda: next(made))).body)
            for _ in range(4)
        ]

    assert asyncio.run(ask()) == [b"0", b"0", b"1", b"1"]


def test_an_answer_is_never_older_than_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollback_drills_api.answer_cache._FRESH_SECONDS", 0.0)
    monkeypatch.setattr("rollback_drills_api.answer_cache._LONGEST_SECONDS", 0.0)
    made = iter(range(9))

    async def ask() -> list[bytes]:
        answers = Answers()
        return [bytes((await answers.give("key", unchanged, lambda: next(made))).body) for _ in range(2)]

    assert asyncio.run(ask()) == [b"0", b"1"]


def test_a_prefect_server_that_is_not_there_is_a_problem_of_its_own(tmp_path: Path) -> None:
    schedule = tmp_path / "schedule.json"
    schedule.write_text("{}")
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}), pytest.raises(Problem) as raised:
        run_embedded("deliver-notifications", {"schedule": str(schedule)}, timeout_seconds=5)
    assert raised.value.status_code == 503
    assert "the Prefect server cannot be reached" in raised.value.detail


@pytest.mark.parametrize("run", [run_embedded, run_deployed])
def test_a_prefect_server_that_refuses_a_run_is_named_with_its_status(
    monkeypatch: pytest.MonkeyPatch, run: Callable[..., Ran]
) -> None:
    request = httpx.Request("POST", "http://prefect.test/api/flow_runs")

    def refuse(*_: object, **__: object) -> None:
        raise httpx.HTTPStatusError("refused", request=request, response=httpx.Response(422))

    monkeypatch.setattr("rollback_drills_api.flow_runs._find_flow", lambda _: refuse)
    monkeypatch.setattr("prefect.deployments.run_deployment", refuse)
    with pytest.raises(Problem) as raised:
        run("deliver-notifications", {}, timeout_seconds=5)
    assert raised.value.status_code == 502
    assert "the Prefect server answered 422" in raised.value.detail


@pytest.mark.parametrize(
    ("state", "what"),
    [
        (None, "is without a state and has not begun: is a worker running"),
        (
            Scheduled(name="Late"),
            "is Late and has not begun: is a worker running, and its work pool",
        ),
        (Pending(), "is Pending and has not begun"),
        (Running(), "continues in Prefect"),
    ],
)
def test_a_run_that_nobody_begins_is_told_from_one_that_takes_long(
    monkeypatch: pytest.MonkeyPatch, state: State | None, what: str
) -> None:
    run = SimpleNamespace(id="f1", state=state)
    monkeypatch.setattr("prefect.deployments.run_deployment", lambda *_, **__: run)

    with pytest.raises(Problem) as raised:
        run_deployed("deliver-notifications", {}, timeout_seconds=5)

    assert raised.value.status_code == 504
    assert f"the flow run f1 did not end within 5 s; it {what}" in raised.value.detail


def test_a_deployment_that_is_missing_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def miss(*_: object, **__: object) -> None:
        raise ObjectNotFound(LookupError())

    monkeypatch.setattr("prefect.deployments.run_deployment", miss)

    with pytest.raises(Problem, match="no deployment look-ahead/look-ahead; create it with `drills deploy`"):
        run_deployed("look-ahead", {}, timeout_seconds=5)


def test_what_cannot_be_made_leaves_nothing_behind() -> None:
    answers = Answers()

    def refuse() -> bytes:
        raise LookupError

    async def ask() -> None:
        for number in range(9):
            with pytest.raises(LookupError):
                await answers.give(number, unchanged, refuse)

    asyncio.run(ask())
    assert (answers._kept, answers._making) == ({}, {})


def test_every_commit_of_another_connection_is_a_new_version(database: Database) -> None:  # noqa: F811 - the fixture
    watch = DatabaseWatch(database)
    first = watch.version()
    # in PostgreSQL, also a commit in another database of the server is one
    stays = any(watch.version() == watch.version() for _ in range(1000))
    with database.write() as connection:
        connection.execute(insert(DESTINATIONS), {"provider": "slack"})
    second = watch.version()
    with database.write() as connection:
        connection.execute(update(DESTINATIONS).values(disabled_at=1.0))

    assert stays
    assert first != second
    assert watch.version() not in (first, second)


def test_many_who_ask_at_once_cost_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def make() -> dict[str, int]:
        made.append(threading.get_ident())
        time.sleep(0.05)
        return {"made": len(made)}

    async def ask() -> list[bytes]:
        answers = Answers()
        first = await asyncio.gather(*(answers.give("key", unchanged, make) for _ in range(20)))
        later = await answers.give("key", unchanged, make)
        return [bytes(each.body) for each in (*first, later)]

    assert asyncio.run(ask()) == [b'{"made":1}'] * 21


def test_what_was_written_is_seen_by_the_next_who_asks() -> None:
    state = {"value": 1}
    started, go_on = threading.Event(), threading.Event()

    def make_slowly() -> dict[str, int]:
        read = dict(state)
        started.set()
        go_on.wait(60)
        return read

    async def ask() -> tuple[bytes, bytes]:
        answers = Answers()
        slow = asyncio.create_task(answers.give("key", unchanged, make_slowly))
        await asyncio.to_thread(started.wait, 5)
        state["value"] = 2
        answers.forget()
        go_on.set()
        old = await slow
        new = await answers.give("key", unchanged, lambda: dict(state))
        return bytes(old.body), bytes(new.body)

    assert asyncio.run(ask()) == (b'{"value":1}', b'{"value":2}')


def test_an_error_is_not_kept() -> None:
    async def ask() -> bytes:
        answers = Answers()
        with pytest.raises(ZeroDivisionError):
            await answers.give("key", unchanged, lambda: 1 / 0)
        return bytes((await answers.give("key", unchanged, lambda: {"well": True})).body)

    assert asyncio.run(ask()) == b'{"well":true}'


def test_no_more_is_kept_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollback_drills_api.answer_cache._MOST_BYTES", 100)
    monkeypatch.setattr("rollback_drills_api.answer_cache._MOST_KEPT", 5)

    async def ask() -> Answers:
        answers = Answers()
        for number in range(20):
            await answers.give(number, unchanged, lambda: b"x" * 30)
        await answers.give("large", unchanged, lambda: b"x" * 101)
        return answers

    answers = asyncio.run(ask())
    assert list(answers._kept) == [17, 18, 19]
    assert answers._size == 90
    assert answers._making == {}


def test_a_document_is_written_without_the_secrets_in_use() -> None:
    remember_secrets(["correct-horse-battery"])

    assert encode({"a": ["correct-horse-battery"], "b": 1}) == b'{"a":["[redacted]"],"b":1}'


@given(st.lists(st.floats(min_value=0, max_value=3), max_size=60), st.sampled_from([0.5, 1.0, 4.0]))
def test_nobody_gets_more_than_the_rate_and_the_burst(pauses: list[float], per_second: float) -> None:
    rate, now, taken = RateLimit(per_second), 0.0, 0
    for pause in pauses:
        now += pause
        wait = rate.take("caller", now=now)
        taken += not wait
        assert wait <= 1 / per_second
    assert taken <= max(1.0, per_second * 2) + now * per_second + 1e-6


def test_whoever_waits_as_long_as_said_gets_on() -> None:
    rate, now = RateLimit(1.0), 0.0
    while not (wait := rate.take("caller", now=now)):
        pass

    assert rate.take("other", now=now) == 0
    assert rate.take("caller", now=now + wait + 1e-9) == 0


def test_callers_without_end_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollback_drills_api.http.limits._MOST_CALLERS", 3)
    rate = RateLimit(1.0)
    for name in "abcd":
        rate.take(name, now=0.0)

    assert list(rate._buckets) == ["b", "c", "d"]
