"""Open findings of drills on the page of the schedule."""

import json
from pathlib import Path

from starlette.testclient import TestClient

from rollback_drills_api.options import ApiOptions
from tests.api.conftest import Keys, client_of
from tests.samples.builders import DRILL


def page(client: TestClient, keys: Keys) -> str:
    answer = client.get("/console/schedule?id=payments", headers=keys.header("reader"))
    assert answer.status_code == 200, answer.text
    return answer.text


def test_the_page_of_a_schedule_lists_what_is_open(options: ApiOptions, keys: Keys) -> None:
    assert options.settings.history
    path = Path(options.settings.history)
    with client_of(options) as client:
        assert "Open findings" not in page(client, keys)
    finding = {
        "finding_id": "f-1",
        "severity": "critical",
        "summary": "<DNS>",
        "due_at": "2026-11-25T00:00:00Z",
    }
    history = json.loads(path.read_text())
    path.write_text(json.dumps({**history, "drills": [{**DRILL, "findings": [finding]}]}))

    with client_of(options) as client:
        text = page(client, keys)

    assert "Open findings of drills" in text
    for each in ("f-1", "critical", "&lt;DNS&gt;", "overdue", "drill-1"):
        assert each in text
