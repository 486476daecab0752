"""Finds files as GitHub names them: relative to the workspace of the job."""

import os
from collections.abc import Sequence

from rollback_drills.documents.fleets.document_search import find_shown


def find_in_workspace(places: Sequence[str], shown: str) -> str:
    """Return a path relative to the workspace of GitHub, wherever in it the command runs; empty outside.

    Args:
        places: The paths that the command was called with, from which the path may come.
        shown: The path, as messages show it.
    """
    workspace = os.environ.get("GITHUB_WORKSPACE") or "."
    path = next(filter(None, (find_shown(place, shown) for place in places)), shown)
    for resolve in (os.path.abspath, os.path.realpath):  # as it is written, and behind links
        relative = os.path.relpath(resolve(path), resolve(workspace))
        if relative.partition(os.sep)[0] != os.pardir:
            return relative.replace(os.sep, "/")
    return ""
