"""The extras of the package: what each brings, and what to say if one is not installed."""

from typing import Final

MODULES: Final = {
    "flows": (
        *("aiohttp", "alembic", "annotated_types", "apprise", "cryptography", "httpx", "jinja2", "jwt"),
        *("opentelemetry", "prefect", "pydantic", "pydantic_core", "rfc8785", "sqlalchemy", "yarl"),
    ),
    "api": ("anyio", "fastapi", "h11", "prometheus_client", "starlette", "uvicorn"),
    "calendars": ("holidays", "icalendar", "recurring_ical_events"),
    "postgresql": ("psycopg",),
}
"""By extra, the modules of other projects that this program imports only if the extra is installed."""


def describe_missing(error: ImportError) -> str | None:
    """Return which extra is missing and how to install it, for the end of a sentence.

    Args:
        error: What an import has raised.

    Returns:
        None if the module belongs to no extra.
    """
    module = (error.name or "").partition(".")[0]
    extra = next((extra for extra, modules in MODULES.items() if module in modules), None)
    if not isinstance(error, ModuleNotFoundError) or extra is None:
        return None
    return (
        f"needs the extra `{extra}`, which is not installed; run pip install 'PATH[{extra}]', where PATH is"
        " the wheel file or the checkout"
    )
