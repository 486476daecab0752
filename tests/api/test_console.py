"""The place of the console."""

from dataclasses import replace

from starlette.testclient import TestClient

from rollback_drills_api.app import build_app
from rollback_drills_api.console import build_console
from rollback_drills_api.options import ApiOptions
from rollback_drills_api.service import Service
from tests.api.conftest import Keys


def test_a_page_is_html_that_runs_no_script_and_is_for_readers(options: ApiOptions, keys: Keys) -> None:
    def overview(served: Service) -> str:
        """Show how many schedules there are."""
        return f"<!doctype html><p>{len(served.fleet.judged().judgements)} schedule</p>"

    app = build_app(replace(options, is_public_to_read=False))
    app.include_router(build_console({"/overview": overview}))

    with TestClient(app) as client:
        denied = client.get("/console/overview")
        answer = client.get("/console/overview", headers=keys.header("reader"))

    assert denied.status_code == 401
    assert answer.text == "<!doctype html><p>1 schedule</p>"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert app.openapi()["paths"]["/console/overview"]["get"]["description"] == (
        "Show how many schedules there are."
    )
