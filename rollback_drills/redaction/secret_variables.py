"""Environment variables that hold a secret: `NAME`, or `NAME_FILE` with the path of a file that holds it.

Only this module reads such variables.
"""

from collections.abc import Mapping, MutableMapping
from typing import Final

from rollback_drills.errors import UsageError, reason_of
from rollback_drills.errors.pipes import refuse_named_pipe

OWN: Final = frozenset({"DRILLS_DATABASE_URL"})
"""The secrets among the variables of this program: the URL of a database holds its password."""
OF_OTHERS: Final = (
    "PREFECT_API_AUTH_STRING",
    "PREFECT_API_KEY",
    "PREFECT_CLIENT_CUSTOM_HEADERS",
    "PREFECT_SERVER_API_AUTH_STRING",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL",
    "PREFECT_SERVER_DATABASE_PASSWORD",
    "PREFECT_SERVER_DOCKET_URL",
    "PREFECT_SERVER_ENCRYPTION_KEY",
    "PREFECT_REDIS_MESSAGING_PASSWORD",
    "PREFECT_REDIS_MESSAGING_URL",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
)
"""Those that Prefect, OpenTelemetry and HTTP clients read. They know no files, and get what is in them."""
_LARGEST: Final = 64 * 1024


def find_secret(environ: Mapping[str, str], name: str) -> str | None:
    """Return the value of a variable, or what is in the file that `NAME_FILE` names; None without both.

    One newline at the end of the file is taken off. Its text is hidden in everything that is redacted.

    Raises:
        UsageError: Both variables are set, or the file cannot be used. The message shows neither value:
            people write the secret itself where the path of its file belongs.
    """
    of_file = f"{name}_FILE"
    if of_file not in environ:
        return environ.get(name)
    if name in environ:
        raise UsageError(f"{name} and {of_file} are both set; unset one of them")
    text = _read(environ[of_file], of_file)
    from rollback_drills.redaction.redactor import remember_secrets  # only a secret from a file needs it

    remember_secrets((text,), is_whole=True)
    return text


def open_secret_files(environ: MutableMapping[str, str]) -> None:
    """Set the variables of others to what is in their files, and unset the variables that name these.

    To be called before Prefect is imported.

    Raises:
        UsageError: As `find_secret`.
    """
    for name in OF_OTHERS:
        if f"{name}_FILE" in environ:
            environ[name] = find_secret(environ, name) or ""
            del environ[f"{name}_FILE"]


def _read(path: str, variable: str) -> str:
    try:
        refuse_named_pipe(path)
        with open(path, "rb") as file:
            text = file.read(_LARGEST + 2).decode()  # and a newline
    except OSError as error:
        raise UsageError(
            f"the file that {variable} names cannot be read: {reason_of(error)}; correct the path"
        ) from None
    except ValueError:  # not UTF-8, or a path with a NUL character
        raise UsageError(f"the file that {variable} names is no text in UTF-8; correct it") from None
    text = text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n")
    problem = _find_problem(text)
    if problem:
        raise UsageError(f"the file that {variable} names {problem}; write the secret into it")
    return text


def _find_problem(text: str) -> str:
    if not text:
        return "is empty"
    if "\0" in text:
        return "has a NUL character"
    return "is larger than 64 KiB" if len(text) > _LARGEST else ""
