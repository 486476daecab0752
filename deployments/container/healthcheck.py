#!/opt/drills/bin/python
"""Ends with 0 if a port of this container answers a path with 200. No proxy is asked."""

import sys
from http.client import HTTPConnection, HTTPException
from typing import Final

_TIMEOUT_SECONDS: Final = 4


def main(port: str, path: str) -> None:
    """Ask, and end the process."""
    connection = HTTPConnection("127.0.0.1", int(port), timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        sys.exit(f"{path} on port {port} does not answer: {type(error).__name__}")
    sys.exit(None if status == 200 else f"{path} on port {port} answered {status}")


if __name__ == "__main__":
    main(*sys.argv[1:])
