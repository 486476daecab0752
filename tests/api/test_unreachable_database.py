"""A database that does not answer keeps each caller for one attempt, and not for those of all others too."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills_api.options import ApiOptions
from rollback_drills_api.shared_failure import SharedFailure
from tests.api.conftest import client_of

CALLERS = 8


class Attempts:
    """Something that fails when it is let go; counts how often it was tried."""

    def __init__(self) -> None:
        self.count = 0
        self.error: Exception | None = DatabaseError("it does not answer")
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, *_: Any) -> None:
        self.count += 1
        self.has_begun.set()
        assert self.may_end.wait(60)
        if self.error:
            raise self.error


@pytest.fixture
def attempts() -> Attempts:
    return Attempts()


def call_while_one_fails(call: Callable[[], Any], attempts: Attempts) -> list[Future[Any]]:
    """Begin with one caller, let the others come while it waits, and let it fail."""
    with ThreadPoolExecutor(CALLERS) as pool:
        calls = [pool.submit(call)]
        assert attempts.has_begun.wait(60)
        calls += [pool.submit(call) for _ in range(CALLERS - 1)]
        time.sleep(0.5)  # until they wait
        attempts.may_end.set()
    return calls


def test_who_waits_while_an_attempt_fails_fails_with_it(attempts: Attempts) -> None:
    shared = SharedFailure()

    def call() -> None:
        with shared.attempt():
            attempts()

    calls = call_while_one_fails(call, attempts)

    assert [each.exception() for each in calls] == [attempts.error] * CALLERS
    assert attempts.count == 1
    with pytest.raises(DatabaseError):
        call()
    assert attempts.count == 2, "who comes later tries"
    attempts.error = None
    call()


def test_who_waits_while_an_attempt_succeeds_goes_on(attempts: Attempts) -> None:
    shared, attempts.error = SharedFailure(), None

    def call() -> None:
        with shared.attempt():
            attempts()

    assert [each.exception() for each in call_while_one_fails(call, attempts)] == [None] * CALLERS
    assert attempts.count == CALLERS


@pytest.mark.parametrize("paths", [["/readyz"], ["/readyz", "/console/trends", "/metrics"]])
def test_requests_share_the_attempt_to_open_the_database(
    paths: list[str], attempts: Attempts, options: ApiOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Database, "open_existing", attempts)
    wanted = iter(paths * CALLERS)

    with client_of(options, is_public_to_read=True) as client:
        calls = call_while_one_fails(lambda: client.get(next(wanted)).status_code, attempts)

    assert {each.result() for each in calls} == {503}
    assert attempts.count <= 1 + len(paths)
