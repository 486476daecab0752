"""Tokens of the API as Secret blocks, by command."""

import json

import pytest
from prefect.blocks.system import Secret
from typer.testing import CliRunner

from blocks.api_tokens import ApiTokenError, list_tokens
from rollback_drills.api_token import Scope, find_token
from rollback_drills.errors import DrillsError, UsageError
from rollback_drills_cli.main import app

pytestmark = pytest.mark.usefixtures("prefect_server")


def drills(*words: str) -> str:
    done = CliRunner().invoke(app, ["api-token", *words])
    if isinstance(done.exception, DrillsError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_token_is_printed_once_listed_without_itself_and_revoked() -> None:
    secret = drills("create", "release-pipeline", "--scope", "operate", "--expires-days", "30").strip()
    drills("create", "lasting", "--scope", "read")

    (found,) = [each for each in list_tokens() if each.name == "release-pipeline"]
    assert find_token(list_tokens(), secret) == found
    assert found.scope is Scope.OPERATE
    assert secret not in json.dumps(Secret.load("rollback-drills-api-token-release-pipeline").get())  # type: ignore[union-attr]  # typed for sync and async at once
    listed = {each["name"]: each for each in json.loads(drills("list", "--json"))}
    assert listed["release-pipeline"]["expired"] is False
    assert listed["lasting"]["expires_at"] is None
    assert secret not in drills("list")

    drills("revoke", "release-pipeline")

    assert find_token(list_tokens(), secret) is None
    with pytest.raises(UsageError, match="there is no token release-pipeline"):
        drills("revoke", "release-pipeline")


def test_a_name_is_given_once_and_a_scope_is_known() -> None:
    drills("create", "twice", "--scope", "read")

    with pytest.raises(UsageError, match="there is a token twice already"):
        drills("create", "twice", "--scope", "admin")
    with pytest.raises(UsageError, match="--scope is root"):
        drills("create", "other", "--scope", "root")
    with pytest.raises(UsageError, match="is no name of a token"):
        drills("create", "../x", "--scope", "read")


def test_a_block_that_holds_no_token_is_named_and_not_shown() -> None:
    name = "rollback-drills-api-token-broken"
    block: Secret[str] = Secret(value="hand-made-secret-word")
    block.save(name, _sync=True)  # type: ignore[call-arg]  # Prefect's decorator adds it
    try:
        with pytest.raises(ApiTokenError, match=name) as caught:
            list_tokens()
    finally:
        Secret.delete(name, _sync=True)  # type: ignore[call-arg]  # Prefect's decorator adds it
    assert "hand-made" not in str(caught.value)
