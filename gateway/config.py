"""What both gateways need to know. Read from the environment in `deploy/settings.py`, nowhere else."""

import msgspec

from storage.identity_records import Role, UploadQuota


class GatewayConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Public addresses, limits and the signing key. Times in seconds, sizes in bytes."""

    api_url: str
    """Where clients reach the API, without a trailing slash: `http://127.0.0.1:8000`."""
    media_url: str
    """Where clients reach the media plane, without a trailing slash."""
    signing_key: bytes
    """At least 32 random bytes, the same in every gateway process: signs upload and media URLs."""
    former_signing_keys: tuple[bytes, ...] = ()
    """What signed before it: what they signed still opens."""
    max_upload_bytes: int = 4 * 1024**3
    upload_ttl_seconds: float = 24 * 3600.0
    """An upload without a new byte for so long is abandoned."""
    url_ttl_seconds: float = 6 * 3600.0
    """How long a signed media URL works."""
    segment_bytes: int = 8 * 1024**2
    """Uploads are stored in segments of this size; also what one upload costs in memory, twice over."""
    max_body_bytes: int = 256 * 1024
    """The largest JSON body the API reads."""
    max_streams: int = 1000
    """Event streams one API process holds; one more gets 503 with Retry-After."""
    allowed_origins: tuple[str, ...] = ()
    """Origins that browsers may call from; `*` allows any."""
    redirect_to_storage: bool = True
    """With storage that presigns URLs, send clients there instead of carrying the bytes."""
    behind_proxy: bool = False
    """A trusted proxy stands in front and passes the client's address on."""
    token_seeds: tuple[bytes, ...] = ()
    """Ed25519 seeds of 32 bytes: the first signs access tokens, every one verifies them and is published."""
    access_token_seconds: float = 900.0
    refresh_token_seconds: float = 30 * 86_400.0
    """Counted from its last use."""
    register_as: Role | None = "creator"
    """What a new account may do; None when nobody may register."""
    password_memory_bytes: int = 64 * 1024**2
    """What one password hash takes (argon2id)."""
    password_passes: int = 3
    rate_limits: bool = True
    quota: UploadQuota = UploadQuota(uploads=1000, size_bytes=100 * 1024**3)
    """What one account may announce to upload on one day."""
    drain_seconds: float = 10.0
    """How long running requests may take to end after SIGTERM."""
