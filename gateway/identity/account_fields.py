"""What people say of themselves, and what makes it acceptable. Pure."""

import re
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

_IGNORABLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)
"""Drawn as nothing at all, so that two addresses would look the same: Default_Ignorable_Code_Point of Unicode
16 (DerivedCoreProperties.txt) as far as its category does not say so, and the blank Braille pattern."""


def checked_email(email: str) -> str:
    """Return an e-mail as given. Raises ProblemError 422 for what cannot be one; only mail proves more."""
    folded = folded_email(email)
    local, _, domain = folded.partition("@")
    plain = not any(_is_unseen(one) for one in email + folded)
    if not (plain and local and domain and "@" not in domain and len(folded) <= EMAIL_MAX):
        raise field_problem("/email", "must be an e-mail address such as rain@example.org")
    return email


def _is_unseen(one: str) -> bool:
    return one.isspace() or unicodedata.category(one).startswith("C") or _IGNORABLE.match(one) is not None


def checked_password(password: str) -> str:
    """Return a new password as given. Raises ProblemError 422 for nothing but space."""
    if not password.strip():
        raise field_problem("/password", "must hold more than spaces")
    return password


def checked_name(name: str) -> str:
    """Return a name without the space around it. Raises ProblemError 422 when too little or much is left."""
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= NAME_MAX:
        raise field_problem("/name", f"must have 1 to {NAME_MAX} characters")
    return trimmed
