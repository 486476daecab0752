"""Children of this process, which have imported everything: a new process takes a third of a second to do it.

Whoever forks has closed its connections to the databases that the children open.
"""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial

Action = Callable[[], object]


def fork(action: Action) -> int:
    """Do something in a child, which ends with 0, or with 1 after an error; return the id of the child."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        action()
        code = 0
    except BaseException:  # noqa: BLE001 - the child must not go on with the tests of its parent
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def find_exit_code(child: int) -> int:
    """Wait for the end of a child; a negative number is the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run_at_once(actions: Sequence[Action]) -> list[int]:
    """Do things in a child each, all from the same moment on, and return the exit codes."""
    start, release = os.pipe()

    def wait_for_the_others(action: Action) -> None:
        os.close(release)
        os.read(start, 1)  # ends when nobody holds the other end
        action()

    children = [fork(partial(wait_for_the_others, action)) for action in actions]
    os.close(release)
    os.close(start)
    return [find_exit_code(child) for child in children]
