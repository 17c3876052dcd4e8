"""What can go wrong with what is kept.

StorageError
├── StorageUnavailableError   a server does not answer: nothing is wrong with the request, try again later
├── VideoGoneError            the video was deleted while work on it was under way: drop the work
├── ObjectMissingError        no object lies at this key
├── OffsetConflictError       an upload stands at another offset than the writer believes
├── UploadClosedError         an upload takes no more bytes: complete, expired or terminated
├── EmailTakenError           another account has this e-mail
├── PasswordChangedError      the password is no longer the one that was verified
├── QuotaExceededError        the account has announced as much as it may on one day
├── VaultMissingError         what needs master keys was asked of a process that was given none
├── MasterKeyUnknownError     a master key is named that is not among those configured
└── SealBrokenError           sealed data does not fit its key: tampered with, or the key is not among ours
"""

from uuid import UUID


class StorageError(Exception):
    """Base of everything storage raises."""


class StorageUnavailableError(StorageError):
    """A server does not answer, or broke off. Repeating later is right and safe."""


class VideoGoneError(StorageError):
    """The video was deleted. Work on it is moot: acknowledge and forget."""

    def __init__(self, video_id: UUID) -> None:
        super().__init__(f"video {video_id} is gone")


class ObjectMissingError(StorageError):
    """No object lies at this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"no object at {key}")
        self.key = key


class OffsetConflictError(StorageError):
    """The upload stands at another offset: ask for the true one and go on from there."""

    def __init__(self, expected_bytes: int, given_bytes: int) -> None:
        super().__init__(f"the upload is at byte {expected_bytes}, not {given_bytes}")
        self.expected_bytes = expected_bytes


class UploadClosedError(StorageError):
    """The upload takes no more bytes."""

    def __init__(self, upload_id: UUID, state: str) -> None:
        super().__init__(f"upload {upload_id} is {state}")
        self.state = state


class EmailTakenError(StorageError):
    """Another account has this e-mail."""


class PasswordChangedError(StorageError):
    """The account's password was changed, or hashed anew, after it had been verified: verify it once more."""


class QuotaExceededError(StorageError):
    """The account has announced as many uploads, or bytes, as it may on one day."""


class VaultMissingError(StorageError):
    """Accounts are sealed, or segments encrypted, and this process was given no master keys."""

    def __init__(self, what: str = "accounts are sealed") -> None:
        super().__init__(f"{what}: set TRUTHTOK_MASTER_KEYS for this process")


class MasterKeyUnknownError(StorageError):
    """A master key is named that is not among those configured: it was dropped too early, or made up."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no master key has the name {name!r}: TRUTHTOK_MASTER_KEYS must keep former ones")


class SealBrokenError(StorageError):
    """Sealed data does not fit its key: it was tampered with, or its key is not among those configured."""
