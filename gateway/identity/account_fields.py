"""What people say of themselves, and what makes it acceptable. Pure."""

import unicodedata
from typing import Annotated, Final

from msgspec import Meta

from gateway.body import field_problem
from storage.sealing import folded_email

EMAIL_MAX: Final = 254
"""RFC 5321 leaves no room for more (erratum 1690 of RFC 3696)."""
NAME_MAX: Final = 200

Email = Annotated[str, Meta(max_length=EMAIL_MAX, examples=["rain@example.org"])]
# The bounds of the name hold after trimming: the decoder leaves room for the space around it.
Name = Annotated[str, Meta(max_length=1000, description="1 to 200 characters, spaces around it not counted")]
NewPassword = Annotated[str, Meta(min_length=8, max_length=256)]
GivenPassword = Annotated[str, Meta(max_length=256)]
"""One that may be wrong in any way."""


def checked_email(email: str) -> str:
    """Return an e-mail as given. Raises ProblemError 422 for what cannot be one; only mail proves more."""
    folded = folded_email(email)
    local, _, domain = folded.partition("@")
    plain = not any(one.isspace() or unicodedata.category(one).startswith("C") for one in email + folded)
    if not (plain and local and domain and "@" not in domain and len(folded) <= EMAIL_MAX):
        raise field_problem("/email", "must be an e-mail address such as rain@example.org")
    return email


def checked_name(name: str) -> str:
    """Return a name without the space around it. Raises ProblemError 422 when too little or much is left."""
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= NAME_MAX:
        raise field_problem("/name", f"must have 1 to {NAME_MAX} characters")
    return trimmed
