"""What a deployment of an earlier version leaves on a real Prefect server."""

from uuid import UUID

import pytest
from prefect.client.orchestration import get_client

from deployments.left_behind import LeftBehind, find_left_behind
from flows.drill_check import drill_check
from flows.look_ahead import look_ahead


@pytest.mark.usefixtures("prefect_server")
def test_a_deployment_whose_entrypoint_is_a_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployments.left_behind._PAGE", 1)
    with get_client(sync_client=True) as client:

        def deploy(name: str, entrypoint: str | None, flow_id: UUID) -> UUID:
            return client.create_deployment(flow_id, name, entrypoint=entrypoint)

        check, ahead = client.create_flow(drill_check), client.create_flow(look_ahead)
        made = [
            deploy("drill-check", "flows.drill_check.drill_check", check),
            deploy("payments", "flows/drill_check.py:drill_check", check),
            deploy("stored", None, check),
            deploy("billing", "flows/drill_check.py:drill_check", check),
            deploy("other", "flows/look_ahead.py:look_ahead", ahead),
        ]

    assert find_left_behind(["drill-check", "drill-check"]) == [
        LeftBehind("drill-check/billing", "flows/drill_check.py:drill_check"),
        LeftBehind("drill-check/payments", "flows/drill_check.py:drill_check"),
    ]

    with get_client(sync_client=True) as client:
        for each in made:
            client.delete_deployment(each)
