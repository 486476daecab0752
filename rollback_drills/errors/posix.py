"""What only POSIX systems have, and the error on others."""

from importlib import import_module

from rollback_drills.errors import UsageError


def require_posix(module: str, what: str) -> None:
    """Ensure that this system has a module of POSIX, before something is begun that needs it.

    Args:
        module: The module of the standard library: `fcntl`, `resource`.
        what: What needs it; begins the message.

    Raises:
        UsageError: It has not; nothing was done.
    """
    try:
        import_module(module)
    except ImportError:
        raise UsageError(
            f"{what} needs a POSIX system such as Linux or macOS, and this one has no {module};"
            " nothing was changed; run it there"
        ) from None
