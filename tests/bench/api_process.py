"""The two servers of the API benchmark, each in a process of its own, started by `tests.bench.api`.

    python -m tests.bench.api_process ours DOCUMENTS DATABASE_URL
    python -m tests.bench.api_process ready FOLDER

It prints its port. `ready` serves files as they are: `paths.json` in the folder says which at which path.
"""

import json
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.responses import Response

from rollback_drills.access.api_token import ApiToken, Scope
from rollback_drills.settings import Settings
from rollback_drills_api.app import build_app
from rollback_drills_api.options import ApiOptions

DIGEST = "7d1a54127b222502f5b79b5fb0803061152a44f92b37e23c6527baf665d4da9a"  # SHA-256 of `abcdefg`
TOKEN = "abcdefg"


def build_ours(documents: str, database_url: str) -> FastAPI:
    """Build the API as `drills api` does, with a token and without a limit."""
    settings = Settings(schedule=documents, database_url=database_url)
    token = ApiToken("bench", Scope.READ, DIGEST)
    return build_app(ApiOptions(lambda: [token], settings, requests_per_second=1e9))


def build_ready(folder: Path) -> FastAPI:
    """Build what answers with bytes that it holds ready."""
    app = FastAPI(openapi_url=None)
    for path, (file, media_type) in json.loads((folder / "paths.json").read_text()).items():
        app.add_api_route(path, _answer((folder / file).read_bytes(), media_type))
    return app


def _answer(content: bytes, media_type: str) -> Callable[[], Awaitable[Response]]:
    async def answer() -> Response:
        return Response(content, media_type=media_type)

    return answer


def main() -> None:
    """Serve until killed."""
    kind, *arguments = sys.argv[1:]
    app = build_ours(*arguments) if kind == "ours" else build_ready(Path(arguments[0]))
    config = uvicorn.Config(app, port=0, access_log=False, log_level="error")
    with config.bind_socket() as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.listen(config.backlog)
        sys.stdout.write(f"{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
