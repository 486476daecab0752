"""The HTTP API: the paths of contract §7 over the documents, the evidence and the flows."""

import starlette  # noqa: F401 - before what `flows` brings: who has neither extra is told of `api`, which has both
