"""Which tests go to one worker: those of a file, and all that share a Prefect server: it then starts once."""

from typing import Final

_FROM_END_TO_END: Final = (
    "automation",
    "canary",
    "connector_forms",
    "deployments",
    "drill_events",
    "message_link",
    "shards",
)
SERVERS: Final = {
    "server": (*(f"tests/e2e/test_{name}.py" for name in _FROM_END_TO_END), "tests/api/test_server.py"),
    "prefect_server": (
        "tests/flows/",
        "tests/api/test_large_policies.py",
        "tests/cases/test_blocks.py",
        "tests/blocks/test_connector_import.py",
        "tests/unit/cli/test_evidence_retention.py",
    ),
}
"""By the fixture of a server, the files and folders that need it; both are long, and begin first."""


def share_of(nodeid: str) -> str:
    """Return the name of the server that a test shares, or else its file."""
    file = nodeid.partition("::")[0]
    return next((server for server, paths in SERVERS.items() if file.startswith(paths)), file)


def order_of(nodeid: str) -> int:
    """Return the place of a test among all: the earlier, the longer its share takes."""
    return [*SERVERS, share_of(nodeid)].index(share_of(nodeid))
