"""Policies that the API takes, and Prefect does not: its runs have a bound of their own."""

import json

import pytest

from rollback_drills_api.http.limits import LARGEST_BODY
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import WRITES, Keys, client_of
from tests.api.test_refusals import JSON, check_problem


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize("is_embedded", [True, False])
def test_a_policy_that_prefect_does_not_take_is_too_large(
    options: ApiOptions, keys: Keys, is_embedded: bool
) -> None:
    rules = {f"team-{number:05}": {"providers": ["slack"]} for number in range(20_000)}
    content = json.dumps({"routing_policy": {"owner_routes": rules}})
    assert 700_000 < len(content) < LARGEST_BODY
    with client_of(options, is_embedded=is_embedded) as client:
        answer = client.post(
            WRITES[0], headers={**keys.header("operateer"), **JSON}, content=content.encode()
        )
    assert check_problem(answer, 413)["detail"].startswith("$.routing_policy is too large")
