"""The exit codes of commands that were ended from outside."""

from typing import Final

INTERRUPTED: Final = 130
"""The exit code of a command that Ctrl-C ended, as shells have it."""
TERMINATED: Final = 143
"""The exit code of a command that SIGTERM ended, as shells have it."""
