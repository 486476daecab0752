"""After how long a run is given up: one that hangs must not hold its slot for ever."""

import os
from typing import Final

from rollback_drills.settings import find_run_timeout

RUN_TIMEOUT_SECONDS: Final = find_run_timeout(os.environ)
"""Of every flow. The checks come hourly, so one that hangs delays the next one only."""
FOLLOW_UP_TIMEOUT_SECONDS: Final = min(RUN_TIMEOUT_SECONDS, 900.0)
"""Of the follow-up, which comes every 15 minutes."""
