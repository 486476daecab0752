"""`drills api`: serves the HTTP API."""

import ipaddress
import logging
import os
import re
import signal
import socket
import ssl
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from rollback_drills.access.api_token import Scope
from rollback_drills.errors import UsageError, reason_of
from rollback_drills.errors.posix import require_posix
from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.settings import Settings, read_settings
from rollback_drills_api.logins import parse_login
from rollback_drills_api.options import FLOW_TIMEOUT_SECONDS, REQUESTS_PER_SECOND, ApiOptions
from rollback_drills_cli.console import read_prefect_url
from rollback_drills_cli.judged_documents import with_judged_documents
from rollback_drills_cli.quiet_prefect import quieten_prefect
from rollback_drills_cli.terminal.output import print_line, print_problem

_HOST_NAME: Final = re.compile(r"[\w.-]+|\[[0-9a-fA-F:.]+\]", re.ASCII)

_BASE_PATH: Final = re.compile(r"(/(?!\.{1,2}(/|$))[\w.~-]+)+", re.ASCII)
_NOT_ASKED_FOR: Final = "none"
"""A passphrase that is hardly ever right. Without one, OpenSSL asks for it on the terminal."""


@with_judged_documents
def api(
    settings: Settings,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 for any free port.")] = 8000,
    beyond_loopback: Annotated[
        bool, typer.Option("--beyond-loopback", help="Allow a --host that other machines reach.")
    ] = False,
    allowed_host: Annotated[
        list[str] | None, typer.Option(help="A host name that clients use; may be repeated.")
    ] = None,
    base_path: Annotated[
        str,
        typer.Option(
            metavar="PATH", help="Serve below this path, such as /drills, behind a proxy that keeps it."
        ),
    ] = "",
    tls_certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Certificate for HTTPS.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Key of the certificate.")] = None,
    public_read: Annotated[
        bool, typer.Option("--public-read", help="Let everybody who reaches the port read.")
    ] = False,
    login_header: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Header in which a trusted proxy names who logged in. (env DRILLS_API_LOGIN_HEADER)",
        ),
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="Address or network that the proxy connects from; may be repeated."
            " (env DRILLS_API_TRUSTED_PROXIES)",
        ),
    ] = None,
    login_scope: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(Scope),
            help="What people who logged in may do. (env DRILLS_API_LOGIN_SCOPE; default operate)",
        ),
    ] = None,
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Run flows in this process, not as deployments.")
    ] = False,
    requests_per_second: Annotated[
        float,
        typer.Option(min=0.1, max=100_000, help="Rate limit of a token, or of an address without a token."),
    ] = REQUESTS_PER_SECOND,
    flow_timeout_seconds: Annotated[
        float, typer.Option(min=1, max=3600, help="Time that a write waits for its flow run, in seconds.")
    ] = FLOW_TIMEOUT_SECONDS,
) -> None:
    """Serve the HTTP API: reports, notifications, acknowledgements, metrics, calendar and badges.

    Reads need a token of the scope read, writes one of the scope operate: `drills api-token create`.

    Example: drills api --schedule schedules/ --history histories/
    """
    _check_exposure(host, beyond_loopback=beyond_loopback, has_tls=tls_certificate is not None)
    if (tls_certificate is None) != (tls_key is None):
        raise UsageError("--tls-certificate and --tls-key belong together; use both or neither")
    for flag, file in (("--tls-certificate", tls_certificate), ("--tls-key", tls_key)):
        if file and not file.is_file():
            raise UsageError(f"{flag} {file} is not a file")
    if base_path and not _BASE_PATH.fullmatch(base_path):
        raise UsageError(
            f"--base-path is {base_path}; write a path such as /drills, without a final slash and without the"
            " parts . and .."
        )
    for name in allowed_host or ():
        if not _HOST_NAME.fullmatch(name):
            raise UsageError(
                f"--allowed-host {name} is not a host name; write it without scheme, port and path"
            )
    proxied = read_settings(
        os.environ,
        login_header=login_header,
        trusted_proxies=",".join(trusted_proxy) if trusted_proxy else None,
        login_scope=login_scope,
    )
    login = parse_login(proxied.login_header, proxied.trusted_proxies, proxied.login_scope)
    if settings.schedule is None and settings.history is None:
        print_problem(
            "no documents are configured, so all answers are not_requested; set"
            f" {VARIABLES['schedule']} or --schedule"
        )
    quieten_prefect()
    from prefect.settings import PREFECT_UI_URL  # takes a second

    from blocks.api_tokens import list_tokens
    from blocks.link_keys import load_link_keys, open_link_keys

    served = ApiOptions(
        list_tokens,
        settings,
        load_link_keys=load_link_keys,
        open_form_keys=open_link_keys,
        login=login,
        is_embedded=embedded,
        is_public_to_read=public_read,
        allowed_hosts=tuple(allowed_host or ()),
        requests_per_second=requests_per_second,
        flow_timeout_seconds=flow_timeout_seconds,
        base_path=base_path,
        prefect_url=read_prefect_url(None) or PREFECT_UI_URL.value() or "",
    )
    _serve(served, host, port, tls_certificate, tls_key)


def _check_exposure(host: str, *, beyond_loopback: bool, has_tls: bool) -> None:
    """Ensure that nobody listens beyond loopback without meaning it."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if is_loopback:
        return
    if not beyond_loopback:
        raise UsageError(
            f"--host {host} can be reached by other machines; add --beyond-loopback to allow that, and"
            " --tls-certificate"
        )
    if not has_tls:
        print_problem(
            f"--host {host} without --tls-certificate: tokens pass the network in the clear unless a proxy"
            " before this port speaks TLS"
        )


def _serve(
    served: ApiOptions, host: str, port: int, tls_certificate: Path | None, tls_key: Path | None
) -> None:
    require_posix("resource", "drills api")
    import uvicorn

    from rollback_drills.database.connections import Database
    from rollback_drills.database.tables import LEDGER
    from rollback_drills_api.app import build_app
    from rollback_drills_api.http.protocol import BoundedProtocol, prepare

    Database.open_existing(served.database_url, LEDGER.name)  # a URL that is none is found now
    config = uvicorn.Config(
        build_app(served),
        host=host,
        port=port,
        access_log=False,  # ours leaves the query out
        server_header=False,
        date_header=True,
        proxy_headers=False,
        log_config=None,  # `_write_logs` is that
        http=BoundedProtocol,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=5,  # some never close their end
        h11_max_incomplete_event_size=64 * 1024,
        ssl_certfile=tls_certificate,
        ssl_keyfile=tls_key,
        ssl_keyfile_password=_NOT_ASKED_FOR,
    )
    try:
        config.load()
    except (ssl.SSLError, OSError, ValueError) as error:
        raise UsageError(
            f"--tls-certificate {tls_certificate} and --tls-key {tls_key} cannot be used: {_explain(error)}"
        ) from None
    scheme = "https" if tls_certificate else "http"
    with _bind(host, port) as listening:
        _write_logs()
        prepare(listening)
        listening.listen(config.backlog)  # whoever comes from now on waits until all is up
        print_line(f"listening on {scheme}://{host}:{listening.getsockname()[1]}")
        # uvicorn raises the signal again at its end: then a temporary Prefect server must be stopped as well
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        uvicorn.Server(config).run(sockets=[listening])


def _explain(error: Exception) -> str:
    if not isinstance(error, ssl.SSLError):
        return str(error)
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key is of another certificate"
    return "both must be PEM, and have no passphrase"


def _bind(host: str, port: int) -> socket.socket:
    """Take the port.

    Raises:
        UsageError: It is taken, or the address is none of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, kind, protocol)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except OSError as error:
        raise UsageError(f"--host {host} --port {port} cannot be used: {reason_of(error)}") from None
    return taken


def _write_logs() -> None:
    """Write the log of the API to standard error, redacted; that of Prefect is Prefect's."""
    from rollback_drills.redaction.log_filter import RedactingFilter

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    handler.addFilter(RedactingFilter())
    for name in ("rollback_drills_api", "blocks.api_tokens", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
        logger.propagate = False
