"""The requests that GitHub takes for the issues of one repository."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from blocks.http.exchange import PreparedRequest, api_request
from blocks.http.json_values import to_json

COMMENTS: Final = "issues/comments?sort=created&direction=desc"
"""The listing of all comments in the repository, the newest first."""

_ISSUE_NUMBER: Final = re.compile(r"[1-9]\d{0,17}", re.ASCII)


@dataclass(frozen=True, slots=True)
class GitHubRequests:
    """The requests for one repository; every number in them must be an issue number."""

    api_url: str
    repository: str
    creator: str
    token: str = field(repr=False)

    def create(self, content: bytes) -> PreparedRequest:
        """Create an issue."""
        return self._request("POST", "/issues", content)

    def comment(self, number: str, content: bytes) -> PreparedRequest:
        """Write a comment on an issue."""
        return self._request("POST", f"/issues/{number}/comments", content)

    def close(self, number: str) -> PreparedRequest:
        """Close an issue."""
        content = to_json({"state": "closed", "state_reason": "completed"})
        return self._request("PATCH", f"/issues/{number}", content)

    def issue(self, number: str) -> PreparedRequest:
        """Read an issue."""
        return self._request("GET", f"/issues/{number}")

    def settings(self) -> PreparedRequest:
        """Read the repository itself."""
        return self._request("GET", "")

    def page(self, listing: str, size: int, number: int) -> PreparedRequest:
        """Read a page of a listing."""
        return self._request("GET", f"/{listing}&per_page={size}&page={number}")

    def issues(self, state: str) -> str:
        """Name the listing of the issues in a state, the newest first."""
        creator = f"&creator={quote(self.creator)}" if self.creator else ""
        return f"issues?state={state}&sort=created&direction=desc{creator}"

    def _request(self, method: str, resource: str, content: bytes = b"") -> PreparedRequest:
        url = f"{self.api_url.rstrip('/')}/repos/{self.repository}{resource}"
        headers = {
            "accept": "application/vnd.github+json",
            "x-github-api-version": "2022-11-28",
            "authorization": f"Bearer {self.token}",
        }
        return api_request(method, url, headers, content)


def is_issue_number(text: str) -> bool:
    """Whether a text is the number of an issue, and safe in an address."""
    return _ISSUE_NUMBER.fullmatch(text) is not None
