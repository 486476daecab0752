"""The reference of the HTTP API against its own OpenAPI document: paths, parameters and bodies."""

import re
from typing import Any, Final

from starlette.testclient import TestClient

from tests.api.conftest import NOTIFICATIONS
from tests.reading.documentation import TEXTS, rows

PAGE: Final = TEXTS["docs/reference/http-api.md"]


def words(text: str) -> set[str]:
    """Return the names between backticks, also those within braces."""
    return {word for span in re.findall(r"`([^`]+)`", text) for word in re.findall(r"[a-z_]+", span)}


def operations(client: TestClient) -> dict[str, dict[str, Any]]:
    """Return every operation of the OpenAPI document by method and path, with N as in the reference."""
    paths = client.get("/openapi.json").json()["paths"]
    return {
        f"{method.upper()} {path.replace(NOTIFICATIONS, 'N')}": found
        for path, methods in paths.items()
        for method, found in methods.items()
    }


def test_the_reference_lists_every_path_once_with_its_parameters(client: TestClient) -> None:
    listed = [(row[0].split("`")[1], row[2]) for row in rows(PAGE, "| method and path |")]
    found = operations(client)

    assert len(listed) == len(dict(listed))
    outside = {
        *("GET /", "GET /console", "GET /docs", "GET /openapi.json"),
        "GET /feeds/{address}.ics",
    }
    assert {path for path, _ in listed} - outside == set(found) - outside
    for path, said in listed:
        parameters = {
            each["name"] for each in found.get(path, {}).get("parameters", ()) if each["in"] == "query"
        }
        if path.startswith("GET N"):
            assert parameters - words(said) == set(), path


def test_the_reference_lists_every_field_of_every_body(client: TestClient) -> None:
    listed = {row[0]: words(row[1]) for row in rows(PAGE, "| path |")}
    said = listed.pop("what is said")
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    bodies = {path: found for path, found in operations(client).items() if "requestBody" in found}

    assert len(bodies) == len(listed)
    for path, found in bodies.items():
        (name,) = [each for each in listed if path.endswith(f"/{each.strip('`')}")]
        content = found["requestBody"]["content"]["application/json"]["schema"]
        fields = set(schemas[content["$ref"].rpartition("/")[2]]["properties"])
        assert fields - listed[name] - (said if "acknowledgements" in name else set()) == set(), name
