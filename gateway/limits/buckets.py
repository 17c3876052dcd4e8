"""Every limit of the gateways in one table. A bucket fills at its rate up to its capacity, an act takes one.

Generous to people and programs that behave; what they guard against is a flood. Sign-ins are scarce.
"""

from collections.abc import Mapping
from typing import Final, Literal

from storage.token_bucket import Bucket

BucketName = Literal[
    "read",
    "write",
    "upload",
    "sign_in",
    "sign_in_pair",
    "sign_in_account",
    "password",
    "register",
    "refresh",
    "expensive",
]

BUCKETS: Final[Mapping[BucketName, Bucket]] = {
    "read": Bucket(600, 100.0),
    "write": Bucket(200, 20.0),
    # New uploads; how many bytes and how many a day is the account's quota.
    "upload": Bucket(100, 10.0),
    # Attempts to sign in that failed, by network, by account and network, and by account over all networks:
    # success gives back what it took.
    "sign_in": Bucket(30, 0.2),
    "sign_in_pair": Bucket(10, 1 / 60),
    "sign_in_account": Bucket(100, 1 / 20),
    # Passwords that were checked, by network, and those that were right, by account: never given back, since
    # each takes a core and much memory for a while, and most leave a session and a line of the audit trail.
    "password": Bucket(30, 0.5),
    "register": Bucket(60, 0.5),
    "refresh": Bucket(60, 1.0),
    # An export reads everything that a person has.
    "expensive": Bucket(5, 1 / 60),
}
