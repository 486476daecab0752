"""GitHub: one issue per cycle and owner in a repository, commented on and closed."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, ClassVar

from pydantic import Field, HttpUrl

from blocks.addresses import site_problem
from blocks.github.answers import judge_comment, judge_created, judge_refusal, judge_repository, not_github
from blocks.github.requests import COMMENTS, GitHubRequests, is_issue_number
from blocks.github.search import first_page, look_through, search_end
from blocks.github.text import marker, marker_start, write_comment, write_issue
from blocks.http.connector import Conversation, HttpConnector
from blocks.http.exchange import PreparedRequest, Response
from blocks.secret_fields import SecretBlock, open_secret
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict

_Label = Annotated[str, Field(min_length=1, max_length=50)]


class GitHubIssuesConnector(HttpConnector):
    """Creates an issue in a GitHub repository, comments on it, and closes it.

    The token must be able to read and write issues. If its account cannot push to the repository, GitHub
    ignores the labels.
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: GitHub issues"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-github-issues"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl("https://docs.github.com/rest/issues/issues")

    can_find: ClassVar[bool] = True

    repository: str = Field(
        pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]*[A-Za-z0-9_-]$", description="Repository as owner/name."
    )
    token: SecretBlock = Field(
        title="Access token", description="Access token that can read and write issues."
    )
    labels: list[_Label] = Field(default_factory=list, description="Labels of new issues.")
    creator: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9_-]+(\[bot\])?)?$",
        description="Login of the token's account; finds lost issues in busy repositories too.",
    )
    title: str = Field(default="", max_length=60, description="Prefix of every title.")
    api_url: str = Field(
        default="https://api.github.com",
        description="Address of the REST API; https://HOST/api/v3 for GitHub Enterprise Server.",
    )

    def configuration_problem(self) -> str:
        """Return what is wrong with the settings, without a secret; empty if nothing is."""
        return site_problem(self.api_url, "the api_url of github")

    def prepare(self, notification: Notification, *, now: datetime) -> PreparedRequest:
        """Build the first request: it creates the issue, comments on it, closes it, or looks for it."""
        del now
        number = _issue_of(notification)
        github = self._requests
        if notification.is_closing:
            return github.close(number) if number else first_page(github, github.issues("open"))
        if number:
            return github.comment(number, write_comment(notification))
        return github.create(write_issue(notification, self.title, self.labels))

    def judge(self, response: Response) -> Verdict:
        """Count a 201 with the number of the new issue as delivered."""
        return judge_created(response)

    def converse(self, notification: Notification, *, now: datetime) -> Conversation[Verdict]:
        """Create the issue, comment on the existing one, or close it."""
        number = _issue_of(notification)
        if notification.is_closing:
            return (yield from self._close(notification, number))
        response = yield self.prepare(notification, now=now)
        return judge_comment(response, number) if number else self.judge(response)

    def search(self, notification: Notification, *, now: datetime) -> Conversation[Verdict | None]:
        """Look for an issue or a comment by its marker, and for a closing by the state of the issue."""
        del now
        number = _issue_of(notification)
        if notification.is_closing:  # closing what is closed already does no harm
            return (yield from search_end(self._requests, number)) if number else None
        github = self._requests
        listing = COMMENTS if number else github.issues("all")
        found = yield from look_through(github, listing, marker(notification))
        if found is None or isinstance(found, Verdict):
            return found
        ref = number or str(found.get("number"))
        return Verdict(Outcome.DELIVERED, f"found at #{ref}", HTTPStatus.OK, external_ref=ref)

    def prepare_trial(self, *, now: datetime) -> PreparedRequest:
        """Ask for the repository; only writing would show whether the token may write."""
        del now
        return self._requests.settings()

    def judge_trial(self, response: Response) -> Verdict:
        """Accept a repository that has issues as proof that the token can see it."""
        return judge_repository(response)

    def _close(self, notification: Notification, number: str) -> Conversation[Verdict]:
        github = self._requests
        if not number:
            found = yield from look_through(github, github.issues("open"), marker_start(notification))
            if isinstance(found, Verdict):
                return found
            if found is None:
                return Verdict(Outcome.DELIVERED, "no open issue was found")
            number = str(found.get("number"))
        response = yield github.close(number)
        if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            return judge_refusal(response)
        if response.json_object().get("state") != "closed":
            return not_github(response, "a closed issue")
        # Only now: a comment before it would be written again whenever the closing is tried again.
        noted = judge_comment((yield github.comment(number, write_comment(notification))), number)
        detail = f"closed #{number}" + (
            "" if noted.succeeded else f", but the comment failed: {noted.detail}"
        )
        return Verdict(Outcome.DELIVERED, detail, response.status_code, external_ref=number)

    @property
    def _requests(self) -> GitHubRequests:
        return GitHubRequests(self.api_url, self.repository, self.creator, open_secret(self.token))


def _issue_of(notification: Notification) -> str:
    """Return the number of the issue that was created before; empty if there is none."""
    return notification.earlier_ref if is_issue_number(notification.earlier_ref) else ""
