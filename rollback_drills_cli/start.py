"""Where the command `drills` begins: it imports the rest where Ctrl-C is one line, and no traceback."""

import sys
from typing import Final

INTERRUPTED: Final = 130
"""The exit code of a command that Ctrl-C ended, as shells have it."""
TERMINATED: Final = 143
"""The exit code of a command that SIGTERM ended, as shells have it."""


def main() -> None:
    """Import the command line, and run it."""
    try:
        from rollback_drills_cli.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("drills: interrupted\n")
        sys.exit(INTERRUPTED)
    run()
