"""The HTTP API: the paths of contract §7 over the documents, the evidence and the flows."""

# Before what the extra `flows` has: if both extras are missing, the error names `api`, which has both.
import starlette  # noqa: F401
