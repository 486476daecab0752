"""How long a provider asks to wait, in every spelling, and what a status means by default."""

from datetime import UTC, datetime

import httpx
import pytest

from blocks.http.exchange import Response
from blocks.http.responses import (
    judge_ok,
    judge_status,
    retry_after_seconds,
    retry_at_epoch_seconds,
    retry_in_seconds,
    with_wait,
)
from rollback_drills.notifications.outcome import Outcome, Verdict

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


def response(status: int = 429, body: bytes = b"", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, httpx.Headers(named), body, NOW)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("30", 30, id="seconds"),
        pytest.param("0", 0, id="go on now"),
        pytest.param("1.5", 1.5, id="a fraction"),
        pytest.param(" 7 ", 7, id="blanks around"),
        pytest.param("86400", 3600, id="longer than an hour"),
        pytest.param("Mon, 23 Nov 2026 14:00:30 GMT", 30, id="date"),
        pytest.param("Monday, 23-Nov-26 14:00:30 GMT", 30, id="date of RFC 850"),
        pytest.param("Mon Nov 23 14:00:30 2026", 30, id="date of asctime"),
        pytest.param("Mon, 23 Nov 2026 13:00:00 GMT", 0, id="date that passed"),
        pytest.param("Wed, 23 Nov 2039 14:00:00 GMT", 3600, id="date far away"),
        pytest.param("-5", None, id="negative"),
        pytest.param("soon", None, id="word"),
        pytest.param("nan", None, id="not a number"),
        pytest.param("inf", None, id="infinite"),
        pytest.param("9" * 400, 3600, id="many digits"),
        pytest.param("Mon, 99 Nov 2026 14:00:30 GMT", None, id="no such day"),
        pytest.param("", None, id="empty"),
    ],
)
def test_reads_retry_after(value: str, expected: float | None) -> None:
    assert retry_after_seconds(response(retry_after=value)) == expected


def test_of_two_requested_waits_the_longest_counts() -> None:
    headers = httpx.Headers([("retry-after", "10"), ("retry-after", "20"), ("retry-after", "soon")])

    assert retry_after_seconds(Response(429, headers, b"", NOW)) == 20


def test_no_retry_after_means_no_wish() -> None:
    assert retry_after_seconds(response()) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (str(int(NOW.timestamp()) + 90), 90),
        (str(int(NOW.timestamp()) - 90), 0),
        (str(int(NOW.timestamp()) + 999_999), 3600),
        ("9" * 400, 3600),
        ("tomorrow", None),
    ],
)
def test_reads_an_epoch(value: str, expected: float | None) -> None:
    assert retry_at_epoch_seconds(response(x_ratelimit_reset=value), "x-ratelimit-reset") == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, Outcome.DELIVERED) for status in (200, 201, 202, 204, 299)),
        *((status, Outcome.DISABLED) for status in (401,)),
        *((status, Outcome.PERMANENT) for status in (400, 402, 403, 404, 405, 409, 413, 415, 422, 451, 501)),
        *((status, Outcome.RETRY) for status in (408, 425, 429, 500, 502, 503, 504, 520, 599)),
    ],
)
def test_a_status_has_a_meaning_of_its_own(status: int, expected: Outcome) -> None:
    verdict = judge_status(response(status, b"why"))
    assert (verdict.outcome, verdict.status_code) == (expected, status)
    assert verdict.detail.startswith(f"answered {status}")


def test_what_to_do_about_a_dead_connector_stands_in_brackets_of_others() -> None:
    detail = "answered 401: ok; fix the configuration of the connector"
    assert judge_status(response(401, b"ok")).detail == detail


def test_only_a_retry_carries_a_wait() -> None:
    assert judge_status(response(503, retry_after="9")).retry_after_seconds == 9
    assert judge_status(response(400, retry_after="9")).retry_after_seconds is None


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><title>Sorry</title>", b"  <HTML>", b"<html lang=en>"])
def test_does_not_quote_a_page(body: bytes) -> None:
    assert judge_status(response(502, body)).detail == "answered 502: an html page"


@pytest.mark.parametrize("body", [b"", b"[", b"[" * 60_000, b"\xff\xfe", b"[1]", b'"text"'])
def test_a_body_that_is_no_json_object_reads_as_an_empty_one(body: bytes) -> None:
    assert response(200, body).json_object() == {}


@pytest.mark.parametrize(
    ("value", "expected"),
    [("5", 5), (" 7 ", 7), ("86400", 3600), ("soon", None), ("", None)],
)
def test_reads_whole_seconds_of_a_header_of_the_provider(value: str, expected: float | None) -> None:
    assert retry_in_seconds(response(x_reset=value), "x-reset") == expected


@pytest.mark.parametrize(
    ("outcome", "asked", "expected"),
    [
        pytest.param(Outcome.RETRY, None, 9.0, id="nothing else asks for a wait"),
        pytest.param(Outcome.RETRY, 5.0, 5.0, id="Retry-After goes before"),
        pytest.param(Outcome.DELIVERED, None, None, id="nothing to repeat"),
    ],
)
def test_a_header_of_the_provider_is_the_wait_of_a_retry_that_has_none(
    outcome: Outcome, asked: float | None, expected: float | None
) -> None:
    assert with_wait(Verdict(outcome, "", 429, asked), 9.0).retry_after_seconds == expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"ok", Verdict(Outcome.DELIVERED, "answered 200: ok", 200)),
        (200, b" ok\n", Verdict(Outcome.DELIVERED, "answered 200: ok", 200)),
        (200, b"no", Verdict(Outcome.PERMANENT, "answered 200 without ok: no", 200)),
        (202, b"ok", Verdict(Outcome.PERMANENT, "answered 202 without ok: ok", 202)),
    ],
)
def test_only_a_200_that_says_ok_is_a_delivery_where_a_provider_says_so(
    status: int, body: bytes, expected: Verdict
) -> None:
    assert judge_ok(response(status, body)) == expected
