"""What an entry of a connector configuration file may hold, by type (contract §1)."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from rollback_drills.connectors.types import CONTRACT_TYPES, FURTHER_TYPES
from rollback_drills.documents.privacy.privacy_rules import find_private

_AUTHENTICATIONS: Final = {"password": "basic", "token": "bearer", "api_key": "api-key"}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def is_variable_name(name: object) -> bool:
    """Whether this is a name that may be shown: people write the secret itself where its name belongs."""
    return isinstance(name, str) and bool(_VARIABLE.fullmatch(name)) and not find_private(name)


def _check_variable_name(name: str) -> str:
    if not is_variable_name(name):
        raise PydanticCustomError("variable", "must be the name of an environment variable, not a value")
    return name


VariableName = Annotated[str, AfterValidator(_check_variable_name)]


class Entry(BaseModel):
    """One connector of the file. Each key of `from_environment` may be given as `<key>_env` instead."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    from_environment: ClassVar[tuple[str, ...]] = ("url",)
    required: ClassVar[tuple[tuple[str, ...], ...]] = (("url",),)
    """Of each group at least one key is needed, as such or with `_env`."""

    type: str | None = None
    enabled: bool = True
    replay_approval: Literal["none", "required"] = "none"
    title: str = Field(default="", max_length=60)
    url: str | None = None
    url_env: VariableName | None = None

    def value(self, key: str, environ: Mapping[str, str]) -> str | None:
        """Return what is written under the key, or in the variable that it names."""
        variable = getattr(self, f"{key}_env", None)
        return getattr(self, key) if variable is None else environ.get(variable)

    def values(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the values of the keys that may name a variable; empty where there is none."""
        return {key: self.value(key, environ) or "" for key in self.from_environment}

    def settings(self, values: Mapping[str, str]) -> dict[str, object]:
        """Return the fields of the block that are no secrets."""
        del values
        return self.model_dump(include={"enabled", "replay_approval", "title"})

    def secrets(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the secret fields of the block."""
        return {"url": values["url"]}


class WebhookEntry(Entry):
    """A generic webhook; `token` and `authorization` are two names for one credential."""

    from_environment = ("url", "token", "authorization", "api_key", "signing_secret")

    token: str | None = None
    token_env: VariableName | None = None
    authorization: str | None = None
    authorization_env: VariableName | None = None
    authorization_scheme: str = "Bearer"
    api_key: str | None = None
    api_key_env: VariableName | None = None
    api_key_header: str = "x-api-key"
    headers: dict[str, str] = Field(default_factory=dict)
    method: str = "POST"
    signing_secret: str | None = None
    signing_secret_env: VariableName | None = None

    def settings(self, values: Mapping[str, str]) -> dict[str, object]:
        """Return the fields of the block that are no secrets."""
        del values
        own = {"enabled", "replay_approval", "authorization_scheme", "api_key_header"}
        given = self.model_dump(include=own)
        return {**given, "method": self.method.upper()}

    def secrets(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the secret fields of the block that are set."""
        secrets = {
            "url": values["url"],
            "authorization": values["authorization"] or values["token"],
            "api_key": values["api_key"],
            "signing_secret": values["signing_secret"],
            "headers": json.dumps(self.headers) if self.headers else "",
        }
        return {field: value for field, value in secrets.items() if value}


class SlackEntry(Entry):
    """A Slack incoming webhook."""


class TeamsEntry(Entry):
    """A Teams workflow."""


class JiraEntry(Entry):
    """A Jira project; `url` is the address of the site."""

    from_environment = ("url", "token", "email")
    required = (("url",), ("token",), ("project",), ("deployment",))

    token: str | None = None
    token_env: VariableName | None = None
    email: str | None = None
    email_env: VariableName | None = None
    project: str | None = None
    deployment: Literal["cloud", "datacenter"] | None = None
    issue_type: str = "Task"
    done_transition: str = ""
    labels: list[str] = Field(default_factory=list)
    extra_fields: dict[str, Any] = Field(default_factory=dict)

    def settings(self, values: Mapping[str, str]) -> dict[str, object]:
        """Return the fields of the block that are no secrets."""
        own = {"project", "deployment", "issue_type", "done_transition", "labels", "extra_fields"}
        addresses = {"site_url": values["url"], "email": values["email"]}
        return {**super().settings(values), **self.model_dump(include=own), **addresses}

    def secrets(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the secret fields of the block."""
        return {"token": values["token"]}


class ServiceNowEntry(Entry):
    """A ServiceNow table; the credential is a password (with `user`), a bearer token or an API key."""

    from_environment = ("url", "user", "password", "token", "api_key")
    required = (("url",), ("password", "token", "api_key"))

    user: str | None = None
    user_env: VariableName | None = None
    password: str | None = None
    password_env: VariableName | None = None
    token: str | None = None
    token_env: VariableName | None = None
    api_key: str | None = None
    api_key_env: VariableName | None = None
    table: str = "incident"
    close_fields: dict[str, str] | None = None
    extra_fields: dict[str, str] = Field(default_factory=dict)

    def settings(self, values: Mapping[str, str]) -> dict[str, object]:
        """Return the fields of the block that are no secrets."""
        return {
            **super().settings(values),
            **self.model_dump(include={"table", "extra_fields", "close_fields"}, exclude_none=True),
            "site_url": values["url"],
            "user": values["user"],
            "authentication": _AUTHENTICATIONS[self._credential(values)],
        }

    def secrets(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the secret fields of the block."""
        return {"credential": values[self._credential(values)]}

    def _credential(self, values: Mapping[str, str]) -> str:
        return next(key for key in _AUTHENTICATIONS if values[key] or getattr(self, f"{key}_env"))


class BlockEntry(Entry):
    """Any other connector: its keys are the fields of its block, and are checked when it is imported.

    Texts may be given as `<key>_env` too.
    """

    model_config = ConfigDict(extra="allow")

    from_environment = ()
    required = ()


ENTRIES: Final[Mapping[str, type[Entry]]] = {
    "webhook": WebhookEntry,
    "slack": SlackEntry,
    "teams": TeamsEntry,
    "jira": JiraEntry,
    "servicenow": ServiceNowEntry,
    **dict.fromkeys(FURTHER_TYPES, BlockEntry),
}
TYPE_BY_NAME: Final[Mapping[str, str]] = {**{name: name for name in CONTRACT_TYPES}, "msteams": "teams"}
"""The type of an entry that names none; any other name is a webhook."""
