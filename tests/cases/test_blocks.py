"""Blocks as Prefect's forms save them, on a Prefect server: what a form leaves out is absent."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL
from pytest_httpserver import HTTPServer

from blocks.connector import Connector, ConnectorError
from blocks.heartbeat import HeartbeatError, send_heartbeat
from blocks.ledger_key import LedgerKeyError, block_name, open_signing_key
from blocks.mail import MailConnector
from blocks.registry import CONNECTORS, find_unusable, load_connector
from blocks.secret_fields import is_secret
from blocks.webhook import WebhookConnector
from rollback_drills.evidence.ledger.keys import SigningKey
from tests.samples.commands import drills

FORM: Final = Path(__file__).parent / "blocks/webhook-from-v1-form.json"
SECRET: Final = "form-secret"
MAIL: Final = {
    "host": "127.0.0.1",
    "security": "none",
    "sender": "a@b.invalid",
    "recipients": ["c@d.invalid"],
}
FILLED_IN: Final[Mapping[type[Connector], Mapping[str, Any]]] = {
    WebhookConnector: {"url": {"$ref": {"block_document_id": "THE-ID-OF-A-SECRET-BLOCK"}}},
    MailConnector: MAIL,
}
"""What a person fills in, for every connector with a secret that may be left out."""
LEFT_OUT: Final[Sequence[object]] = ({}, {"value": {}}, {"value": None}, None)
"""What forms save for a secret that was not chosen, or was chosen and taken back."""
OPTIONAL: Final = [
    (kind, name)
    for kind in CONNECTORS.values()
    for name, field in kind.model_fields.items()
    if is_secret(field) and not field.is_required()
]
Save = Callable[[type[Connector], Mapping[str, Any]], str]

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def save(httpserver: HTTPServer) -> Iterator[Save]:
    """Save values as a form does, whatever they are, and give the name of the block."""
    address: Secret[str] = Secret(value=httpserver.url_for("/hook"))
    secret_id = str(address.save(SECRET, overwrite=True))
    saved: list[str] = []

    def save_values(kind: type[Connector], values: Mapping[str, Any]) -> str:
        kind.register_type_and_schema()  # as `prefect block register` does
        name = f"form-{uuid4().hex[:12]}"
        data = json.loads(json.dumps(values).replace("THE-ID-OF-A-SECRET-BLOCK", secret_id))
        with get_client(sync_client=True) as client:
            slug = kind.get_block_type_slug()
            block_type = client.request("GET", "/block_types/slug/{slug}", path_params={"slug": slug}).json()
            schema = client.request(
                "POST",
                "/block_schemas/filter",
                json={"block_schemas": {"block_type_id": {"any_": [block_type["id"]]}}, "limit": 1},
            ).json()[0]
            document = {
                "name": name,
                "data": data,
                "block_type_id": block_type["id"],
                "block_schema_id": schema["id"],
            }
            saved.append(client.request("POST", "/block_documents/", json=document).json()["id"])
        return name

    yield save_values
    with get_client(sync_client=True) as client:
        for block_id in saved:
            client.request("DELETE", "/block_documents/{id}", path_params={"id": block_id})


def test_a_webhook_of_the_default_form_delivers(save: Save, httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/hook").respond_with_data("taken")
    name = save(WebhookConnector, json.loads(FORM.read_text()))

    done = drills("connectors", "test", name, cwd=tmp_path, PREFECT_API_URL=PREFECT_API_URL.value() or "")

    assert (done.returncode, done.stdout) == (0, f"{name}: delivered: answered 200\n"), done.stderr
    ((request, _),) = httpserver.log
    sent = {name.lower() for name, _ in request.headers}
    assert sent.isdisjoint({"authorization", "x-api-key", "webhook-signature"})


@pytest.mark.parametrize(("kind", "field"), OPTIONAL, ids=lambda each: getattr(each, "__name__", each))
def test_an_optional_secret_that_a_form_leaves_out_is_absent(
    save: Save, kind: type[Connector], field: str
) -> None:
    for left_out in LEFT_OUT:
        name = save(kind, {**FILLED_IN[kind], field: left_out})
        assert getattr(load_connector(name), field) is None


def test_a_required_secret_that_a_form_leaves_out_makes_the_connector_unusable(save: Save) -> None:
    for left_out in LEFT_OUT:
        name = save(WebhookConnector, {"url": left_out})
        with pytest.raises(ConnectorError, match="is not usable: its url is missing"):
            load_connector(name)


def test_a_secret_block_that_was_chosen_and_is_empty_is_not_taken_for_absent(save: Save) -> None:
    empty: Secret[str] = Secret(value="")
    chosen = {"$ref": {"block_document_id": str(empty.save("form-empty", overwrite=True))}}
    name = save(WebhookConnector, {**FILLED_IN[WebhookConnector], "signing_secret": chosen})
    assert find_unusable()[name] == "the signing_secret is empty; enter the secret"

    take_value_away(chosen["$ref"]["block_document_id"])
    assert find_unusable()[name] == "the Secret block of its signing_secret is empty; enter the value"


def test_a_heartbeat_whose_secret_block_is_empty_says_so() -> None:
    address: Secret[str] = Secret(value="https://watch.example.invalid/ping")
    take_value_away(str(address.save("form-heartbeat", overwrite=True)))
    with pytest.raises(HeartbeatError, match="the Secret block form-heartbeat is empty; enter the address"):
        send_heartbeat("form-heartbeat")


def test_a_key_of_the_ledger_that_is_empty_says_so() -> None:
    key = SigningKey.generate("form/0123456789abcdef")
    saved: Secret[str] = Secret(value=key.to_text())
    take_value_away(str(saved.save(block_name(key.public), overwrite=True)))
    with pytest.raises(LedgerKeyError, match=r"the Secret block rollback-drills-ledger-.* is not usable"):
        open_signing_key(key.public)


def take_value_away(block_id: str) -> None:
    """Save a Secret block as UI V2 does, when nothing was written into its form."""
    with get_client(sync_client=True) as client:
        update = {"data": {}, "merge_existing_data": False}
        client.request("PATCH", "/block_documents/{id}", path_params={"id": block_id}, json=update)


def test_a_list_names_what_cannot_be_used(save: Save, tmp_path: Path) -> None:
    name = save(MailConnector, {**MAIL, "user": "robot", "password": {}})

    api = PREFECT_API_URL.value() or ""
    done = drills("connectors", "list", "--json", cwd=tmp_path, PREFECT_API_URL=api, HOME=str(tmp_path))

    assert done.returncode == 0, done.stderr
    (listed,) = [each for each in json.loads(done.stdout) if each["name"] == name]
    assert listed["unusable_because"] == "user and password of the mail server must be set together"
