"""A browser gets a page where the API refuses something, and a program a problem document."""

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from rollback_drills.access.link_permission import LinkKeys
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import Keys, client_of
from tests.api.test_refusals import check_problem

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
KEYS = LinkKeys.generate()


def ask_too_often(client: TestClient, path: str) -> None:
    assert any(client.get(path).status_code == 429 for _ in range(1000))


@pytest.mark.parametrize("path", ["/console", "/console/trends", "/console/schedule?id=a", "/acknowledge/x"])
def test_who_asks_too_often_in_a_browser_gets_a_page(options: ApiOptions, keys: Keys, path: str) -> None:
    slow = replace(options, requests_per_second=0.1)
    with client_of(slow, load_link_keys=lambda: KEYS) as client:
        client.headers = keys.header("reader")
        ask_too_often(client, path)
        answer = client.get(path, headers=BROWSER)
        of_program = client.get(path)

    assert answer.status_code == 429
    seconds = int(answer.headers["retry-after"])
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert f"Too many requests; wait {seconds} second" in answer.text
    assert "<h1>" in answer.text
    assert check_problem(of_program, 429)["detail"].startswith("too many requests; wait ")


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/console", 401, "Load this page again, and log in."),
        ("/console/%00", 404, "There is nothing at a path with a NUL character"),
        ("/console/schedule?id=1&amp;id=2&id=3", 422, "is there more than once; send it once"),
    ],
)
def test_every_refusal_of_a_page_is_one(options: ApiOptions, path: str, status: int, words: str) -> None:
    with client_of(options, is_public_to_read=status != 401) as client:
        answer = client.get(path, headers=BROWSER)
        of_program = client.get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert words in answer.text
    assert check_problem(of_program, status)


def test_a_browser_gets_a_problem_document_where_there_are_no_pages(options: ApiOptions) -> None:
    with client_of(options) as client:
        assert check_problem(client.get("/deployment/production-readiness", headers=BROWSER), 401)
