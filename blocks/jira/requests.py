"""The requests that Jira takes, in Cloud (REST v3) and in Data Center (REST v2)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeGuard

from blocks.http.exchange import PreparedRequest, api_request
from blocks.http.json_values import JsonObject, to_json

ISSUE_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}-\d{1,18}", re.ASCII)
_MOST_FOUND: Final = 10
_MOST_COMMENTS_READ: Final = 20


@dataclass(frozen=True, slots=True)
class JiraRequests:
    """The requests for one site; every issue key in them must match `ISSUE_KEY`."""

    site_url: str
    is_cloud: bool
    authorization: str = field(repr=False)

    def create(self, content: bytes) -> PreparedRequest:
        """Create an issue."""
        return self._write("issue", content)

    def comment(self, key: str, content: bytes) -> PreparedRequest:
        """Write a comment on an issue."""
        return self._write(f"issue/{key}/comment", content)

    def change_status(self, key: str, transition_id: str) -> PreparedRequest:
        """Send an issue through a transition."""
        return self._write(f"issue/{key}/transitions", to_json({"transition": {"id": transition_id}}))

    def transitions(self, key: str) -> PreparedRequest:
        """Read where an issue can go from its present status."""
        return self._read(f"issue/{key}/transitions")

    def status(self, key: str) -> PreparedRequest:
        """Read the status of an issue."""
        return self._read(f"issue/{key}?fields=status")

    def latest_comments(self, key: str) -> PreparedRequest:
        """Read the latest comments of an issue, the newest first."""
        return self._read(f"issue/{key}/comment?orderBy=-created&maxResults={_MOST_COMMENTS_READ}")

    def myself(self) -> PreparedRequest:
        """Ask for our account: a search is answered even without one."""
        return self._read("myself")

    def labelled(self, project: str, label: str, fields: Sequence[str]) -> PreparedRequest:
        """Search the issues of a project that have a label, the oldest first."""
        query: JsonObject = {
            "jql": f'project = "{project}" AND labels = "{label}" ORDER BY created ASC',
            "maxResults": _MOST_FOUND,
            "fields": list(fields),
        }
        # Cloud has removed /search, and Data Center never had /search/jql:
        # https://developer.atlassian.com/changelog/#CHANGE-2046
        resource = "search/jql" if self.is_cloud else "search"
        return self._request("POST", resource, to_json(query), only_reads=True)

    def _read(self, resource: str) -> PreparedRequest:
        return self._request("GET", resource, b"", only_reads=True)

    def _write(self, resource: str, content: bytes) -> PreparedRequest:
        return self._request("POST", resource, content, only_reads=False)

    def _request(self, method: str, resource: str, content: bytes, *, only_reads: bool) -> PreparedRequest:
        url = f"{self.site_url.rstrip('/')}/rest/api/{3 if self.is_cloud else 2}/{resource}"
        headers = {"authorization": self.authorization}
        return api_request(method, url, headers, content, only_reads=only_reads)


def is_issue_key(text: object) -> TypeGuard[str]:
    """Whether a value is the key of an issue, such as OPS-42, and safe in an address."""
    return isinstance(text, str) and ISSUE_KEY.fullmatch(text) is not None
