"""Tokens of the API as Secret blocks, by command."""

import json
from datetime import datetime, timedelta, timezone

import msgspec
import pytest
from prefect.blocks.system import Secret
from typer.testing import CliRunner

from blocks.api_tokens import ApiTokenError, find_tokens, list_tokens
from rollback_drills.access.api_token import ApiToken, Scope, find_token, issue_token
from rollback_drills.errors import DrillsError, UsageError
from rollback_drills_cli.main import app
from tests.samples.unreadable_blocks import save_unreadable

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
    with pytest.raises(UsageError, match="--scope root is unknown"):
        drills("create", "other", "--scope", "root")
    with pytest.raises(UsageError, match="is not a name for a token"):
        drills("create", "../x", "--scope", "read")


def test_a_block_that_holds_no_token_is_named_and_not_shown() -> None:
    name = "rollback-drills-api-token-broken"
    secret = drills("create", "beside-it", "--scope", "read").strip()
    block: Secret[str] = Secret(value="hand-made-secret-word")
    block.save(name, _sync=True)  # type: ignore[call-arg]  # Prefect's decorator adds it
    try:
        found = find_tokens()
        listed = CliRunner().invoke(app, ["api-token", "list"])
    finally:
        Secret.delete(name, _sync=True)  # type: ignore[call-arg]  # Prefect's decorator adds it
    assert find_token(found.tokens, secret)
    assert find_token(list_tokens(), secret)
    (problem,) = found.problems
    assert name in problem
    assert "run `drills api-token revoke broken`" in problem
    assert "hand-made" not in problem
    assert listed.exit_code == 0
    assert "beside-it" in listed.stdout
    assert "nobody can use broken" in " ".join(listed.stderr.split())


def test_a_block_with_the_token_of_another_name_lets_nobody_in() -> None:
    token, secret = issue_token("somebody-else", Scope.ADMIN, None)
    block: Secret[str] = Secret(value=msgspec.json.encode(token).decode())
    block.save("rollback-drills-api-token-mine", _sync=True)  # type: ignore[call-arg]  # Prefect's decorator adds it
    try:
        found = find_tokens()
    finally:
        drills("revoke", "mine")
    assert find_token(found.tokens, secret) is None
    assert 'has the token "somebody-else", so nobody can use mine' in found.damaged[0]


def test_a_block_that_the_server_cannot_read_leaves_the_others_usable() -> None:
    secret = drills("create", "beside-a-broken-one", "--scope", "read").strip()

    with save_unreadable("secret", "rollback-drills-api-token-cannot-be-read"):
        tokens = list_tokens()
        listed = CliRunner().invoke(app, ["api-token", "list"])
        with pytest.raises(ApiTokenError, match="-cannot-be-read stays: the Prefect server cannot read it"):
            drills("revoke", "cannot-be-read")
        with pytest.raises(UsageError, match="there is a token cannot-be-read already"):
            drills("create", "cannot-be-read", "--scope", "read")
        drills("revoke", "beside-a-broken-one")

    assert find_token(tokens, secret)
    assert listed.exit_code == 0
    named = " ".join(listed.stderr.split())
    assert (
        "the Secret block of a token after rollback-drills-api-token-beside-it (by name) is not usable"
        in named
    )
    assert "PREFECT_SERVER_ENCRYPTION_KEY" in named


def test_tokens_of_which_the_server_can_read_none_are_not_unknown() -> None:
    for each in list_tokens():
        drills("revoke", each.name)
    assert drills("list").startswith("There is no token yet. `drills api-token create")

    with (
        save_unreadable("secret", "rollback-drills-api-token-alone"),
        pytest.raises(ApiTokenError, match="PREFECT_SERVER_ENCRYPTION_KEY"),
    ):
        list_tokens()


def test_a_token_that_ends_outside_of_the_calendar_is_damaged() -> None:
    token = ApiToken("early", Scope.READ, "a" * 64, datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))))
    block: Secret[str] = Secret(value=msgspec.json.encode(token).decode())
    block.save("rollback-drills-api-token-early", _sync=True)  # type: ignore[call-arg]  # Prefect's decorator adds it
    try:
        listed = CliRunner().invoke(app, ["api-token", "list"])
    finally:
        drills("revoke", "early")

    assert listed.exit_code == 0
    assert "nobody can use early" in " ".join(listed.stderr.split())
