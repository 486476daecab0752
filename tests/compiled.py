"""Statements that SQLAlchemy has compiled, for all databases of this process.

Each engine keeps its own, as if it lived for days. Those of tests live for milliseconds, and a tenth of
their time was spent on compiling what the test before had compiled.
"""

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache

_MOST = 2000


class _Shared(LRUCache[Any, Any]):
    """Finds what was compiled for any database of the same kind: their dialects differ in identity alone."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_without_identity(*key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_without_identity(*key), value)


def share_compiled() -> None:
    """Let all connections from now on use the same compiled statements."""
    shared = _Shared(_MOST)

    @event.listens_for(Engine, "engine_connect")
    def use(connection: Connection) -> None:
        if not connection.dialect.is_async:  # those are Prefect's, which live long
            connection.execution_options(compiled_cache=shared)


def _without_identity(dialect: Any, *rest: Any) -> tuple[Any, ...]:
    return type(dialect), dialect.server_version_info, *rest
