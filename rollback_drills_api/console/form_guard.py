"""Ensures that a form was sent by a page of this server, by the person whom it was made for."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from unicodedata import category
from urllib.parse import parse_qs, urlsplit

from fastapi import Request

from rollback_drills.documents.quotation import show
from rollback_drills_api.problems import Problem

_MOST_FIELDS: Final = 40
_SPACES: Final = "\n\t"


def check_origin(request: Request) -> None:
    """Ensure that a page of this server sent a form.

    Every browser of today says where a request comes from (https://www.w3.org/TR/fetch-metadata/). An older
    one names the origin, which must be the host that it asks.

    Raises:
        Problem: Another site sent it, or nothing says who did.
    """
    site = request.headers.get("sec-fetch-site")
    if site is None:
        origin = urlsplit(request.headers.get("origin", "")).netloc.lower()
        is_own = bool(origin) and origin == request.headers.get("host", "").lower()
    else:
        is_own = site == "same-origin"
    if not is_own:
        raise Problem(HTTPStatus.FORBIDDEN, "another site sent this form; open the page of the schedule")


async def read_form(request: Request) -> Mapping[str, str]:
    """Return the fields of a form, without blanks around their values.

    Raises:
        Problem: There are too many, one is there twice, or one holds control characters.
    """
    text = (await request.body()).decode("utf-8", "replace")
    try:
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the form has too many fields") from None
    form = {}
    for name, values in fields.items():
        value = values[0].replace("\r\n", "\n").strip()
        if len(values) > 1:
            problem = f"the field {show(name)} of the form is there twice"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, problem)
        if odd := next((each for each in value if category(each) == "Cc" and each not in _SPACES), None):
            problem = (
                f"the field {show(name)} of the form holds U+{ord(odd):04X}, which nobody sees; remove it"
            )
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, problem)
        form[name] = value
    return form
