"""Refuses requests that are not meant for this server, or whose body cannot be read."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

from starlette.types import Scope

from rollback_drills_api.problems import Problem

FORM: Final = "application/x-www-form-urlencoded"
_ABSOLUTE_FORM: Final = re.compile(rb"https?://([^/]*)(/.*)?", re.IGNORECASE | re.DOTALL)
_MEDIA_TYPES: Final = {"application/json": "JSON", FORM: "a form"}


def to_origin_form(scope: Scope) -> Scope:
    """Return a request whose target is a whole URL, as one to a proxy, as if only its header named the host.

    https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
    """
    found = _ABSOLUTE_FORM.fullmatch(scope.get("raw_path") or b"")
    if found is None:
        return scope
    host, path = found[1], found[2] or b"/"
    is_single = sum(name == b"host" for name, _ in scope["headers"]) <= 1  # several are refused
    others = [each for each in scope["headers"] if each[0] != b"host" or not is_single]
    headers = [*others, (b"host", host)]
    return {**scope, "path": unquote(path.decode("ascii")), "raw_path": path, "headers": headers}


def check_framing(scope: Scope) -> None:
    """Refuse a request whose end a proxy may see elsewhere: its rest would be somebody else's request.

    https://www.rfc-editor.org/rfc/rfc9112#section-6.1
    """
    names = {name for name, _ in scope["headers"]}
    if b"transfer-encoding" not in names:
        return
    if b"content-length" in names:
        detail = "the request has both Content-Length and Transfer-Encoding; send one of them"
    elif scope["http_version"] == "1.0":
        detail = "HTTP/1.0 has no Transfer-Encoding; send Content-Length"
    else:
        return
    raise Problem(HTTPStatus.BAD_REQUEST, detail, headers={"connection": "close"})


def check_host(values: list[bytes], allowed: frozenset[str]) -> None:
    """Ensure that a request means this server: otherwise a page of anybody could ask it through a browser."""
    if len(values) == 1:
        host = values[0].decode("latin-1").lower()
        name, colon, port = host.rpartition(":")
        if not colon or host.endswith("]"):
            name, port = host, "0"
        if name in allowed and port.isascii() and port.isdigit():
            return
    raise Problem(HTTPStatus.BAD_REQUEST, "the Host of the request is not served here; see --allowed-host")


def check_body_headers(headers: Mapping[bytes, bytes], expected: str) -> None:
    """Ensure that a body is what is read here, and not compressed."""
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    if content_type.partition(";")[0].strip().lower() != expected:
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"the body must be {_MEDIA_TYPES[expected]}; send `Content-Type: {expected}`",
        )
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "a compressed body is not read here; send it without Content-Encoding",
        )
