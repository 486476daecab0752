"""Where the command `drills` begins: it imports the rest where Ctrl-C is one line, and no traceback."""

import sys

from rollback_drills_cli.signal_exit_codes import INTERRUPTED


def main() -> None:
    """Import the command line, and run it."""
    try:
        from rollback_drills_cli.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("drills: interrupted\n")
        sys.exit(INTERRUPTED)
    run()
