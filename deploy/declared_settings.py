"""Every setting as it is declared: environment variable, default, unit and meaning.

`truthtok settings` lists them, `.env.example` is rendered from them, `deploy/settings.py` reads them.
"""

from typing import Annotated, Any, Literal

import msgspec


def setting(
    variable: str, meaning: str, *, unit: str = "", secret: bool = False, **bounds: Any
) -> msgspec.Meta:
    """Return the annotation that makes a struct field a setting."""
    extra = {"variable": variable, "unit": unit, "secret": secret}
    return msgspec.Meta(description=meaning, extra=extra, **bounds)


class DeclaredSettings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings of one process. A secret has no default: it is checked where it is needed."""

    database_url: Annotated[str, setting("DATABASE_URL", "PostgreSQL 15 or newer", secret=True)] = ""
    redis_url: Annotated[str, setting("REDIS_URL", "Redis or Valkey; may be lost", secret=True)] = ""
    nats_url: Annotated[str, setting("NATS_URL", "NATS with JetStream, several separated by commas")] = ""
    nats_seed: Annotated[
        str, setting("TRUTHTOK_NATS_SEED", "nkey seed of this process's NATS user", secret=True)
    ] = ""
    nats_replicas: Annotated[
        int, setting("TRUTHTOK_NATS_REPLICAS", "copies of each stream; 3 on a cluster", ge=1, le=5)
    ] = 1
    objects: Annotated[
        str, setting("TRUTHTOK_OBJECTS", "where objects lie: an absolute directory or s3://bucket")
    ] = ""
    s3_endpoint: Annotated[str, setting("TRUTHTOK_S3_ENDPOINT", "URL of an S3-compatible service")] = ""
    s3_region: Annotated[str, setting("TRUTHTOK_S3_REGION", "region of the bucket")] = "us-east-1"
    s3_access_key: Annotated[str, setting("TRUTHTOK_S3_ACCESS_KEY", "access key id", secret=True)] = ""
    s3_secret_key: Annotated[str, setting("TRUTHTOK_S3_SECRET_KEY", "secret access key", secret=True)] = ""
    scratch: Annotated[
        str, setting("TRUTHTOK_SCRATCH", "directory for working copies; empty: the system's")
    ] = ""
    signing_key: Annotated[
        str,
        setting(
            "TRUTHTOK_SIGNING_KEY",
            "64 hex digits or more, several separated by commas: the first signs media URLs, each opens them",
            secret=True,
        ),
    ] = ""
    master_keys: Annotated[
        str,
        setting(
            "TRUTHTOK_MASTER_KEYS",
            "64 hex digits each, separated by commas, the newest first; wrap the keys of what is sealed",
            secret=True,
        ),
    ] = ""
    token_keys: Annotated[
        str,
        setting(
            "TRUTHTOK_TOKEN_KEYS",
            "Ed25519 seeds, 64 hex digits each, separated by commas, the newest first; sign access tokens",
            secret=True,
        ),
    ] = ""
    access_token_seconds: Annotated[
        float, setting("TRUTHTOK_ACCESS_TOKEN_SECONDS", "how long an access token works", unit="s", ge=10)
    ] = 900.0
    refresh_token_seconds: Annotated[
        float,
        setting(
            "TRUTHTOK_REFRESH_TOKEN_SECONDS", "how long a sign-in lasts from its last use", unit="s", ge=60
        ),
    ] = 30 * 86_400.0
    register_as: Annotated[
        Literal["creator", "viewer", "nobody"],
        setting("TRUTHTOK_REGISTER_AS", "role of who registers: creator, viewer, or nobody may"),
    ] = "creator"
    password_memory_bytes: Annotated[
        int,
        setting(
            "TRUTHTOK_PASSWORD_MEMORY_BYTES",
            "what hashing one password takes",
            unit="bytes",
            ge=8 * 1024**2,
            le=4 * 1024**3,
        ),
    ] = 64 * 1024**2
    password_passes: Annotated[
        int, setting("TRUTHTOK_PASSWORD_PASSES", "passes over that memory (argon2id)", ge=1, le=100)
    ] = 3
    rate_limits: Annotated[
        bool, setting("TRUTHTOK_RATE_LIMITS", "0 lets everybody ask as often as they like")
    ] = True
    quota_uploads: Annotated[
        int, setting("TRUTHTOK_QUOTA_UPLOADS", "uploads that one account may announce a day (UTC)", ge=0)
    ] = 1000
    quota_bytes: Annotated[
        int, setting("TRUTHTOK_QUOTA_BYTES", "and their bytes together", unit="bytes", ge=0)
    ] = 100 * 1024**3
    encryption: Annotated[
        Literal["off", "new", "all"],
        setting(
            "TRUTHTOK_ENCRYPTION",
            "stored media: off; new: what is written is encrypted; all: and nothing else is read",
        ),
    ] = "off"
    segment_encryption: Annotated[
        Literal["none", "aes-128"],
        setting(
            "TRUTHTOK_SEGMENT_ENCRYPTION",
            "what players are given: none; aes-128: encrypted for HLS, their key by signed URL, and no DASH",
        ),
    ] = "none"
    s3_encryption: Annotated[
        Literal["", "AES256", "aws:kms", "aws:kms:dsse"],
        setting(
            "TRUTHTOK_S3_ENCRYPTION", "encryption by the bucket: AES256, aws:kms, aws:kms:dsse, or empty"
        ),
    ] = ""
    s3_kms_key: Annotated[str, setting("TRUTHTOK_S3_KMS_KEY", "id of the bucket's KMS key")] = ""
    api_key: Annotated[
        str, setting("TRUTHTOK_API_KEY", "key with which `truthtok upload` signs in", secret=True)
    ] = ""
    api_url: Annotated[str, setting("TRUTHTOK_API_URL", "where clients reach the API")] = ""
    media_url: Annotated[str, setting("TRUTHTOK_MEDIA_URL", "where clients reach the media plane")] = ""
    host: Annotated[str, setting("TRUTHTOK_HOST", "address both gateways bind")] = "127.0.0.1"
    port: Annotated[int, setting("TRUTHTOK_PORT", "port of the API", ge=1, le=65535)] = 8000
    media_port: Annotated[int, setting("TRUTHTOK_MEDIA_PORT", "port of the media plane", ge=1, le=65535)] = (
        8001
    )
    ops_port: Annotated[
        int,
        setting("TRUTHTOK_OPS_PORT", "port of an actor's /health, /ready, /metrics; 0: none", ge=0, le=65535),
    ] = 0
    behind_proxy: Annotated[
        bool, setting("TRUTHTOK_BEHIND_PROXY", "1 when a strict proxy stands in front; needed to bind wider")
    ] = False
    allowed_origins: Annotated[
        str,
        setting("TRUTHTOK_ALLOWED_ORIGINS", "browser origins that may call, separated by commas; * for any"),
    ] = ""
    max_upload_bytes: Annotated[
        int, setting("TRUTHTOK_MAX_UPLOAD_BYTES", "largest upload", unit="bytes", ge=1)
    ] = 4 * 1024**3
    segment_bytes: Annotated[
        int,
        setting(
            "TRUTHTOK_SEGMENT_BYTES",
            "uploads are cut into at most 10000 of these; one under way takes two in memory",
            unit="bytes",
            ge=512 * 1024,
        ),
    ] = 8 * 1024**2
    max_body_bytes: Annotated[
        int, setting("TRUTHTOK_MAX_BODY_BYTES", "largest JSON body of the API", unit="bytes", ge=1024)
    ] = 256 * 1024
    upload_ttl_seconds: Annotated[
        float,
        setting("TRUTHTOK_UPLOAD_TTL_SECONDS", "an upload silent for so long is abandoned", unit="s", gt=0),
    ] = 86_400.0
    url_ttl_seconds: Annotated[
        float, setting("TRUTHTOK_URL_TTL_SECONDS", "how long a signed media URL works", unit="s", gt=0)
    ] = 21_600.0
    max_streams: Annotated[
        int, setting("TRUTHTOK_MAX_STREAMS", "event streams one API process holds", ge=1)
    ] = 1000
    redirect_to_storage: Annotated[
        bool,
        setting("TRUTHTOK_REDIRECT_TO_STORAGE", "send readers to presigned URLs where storage makes them"),
    ] = True
    codecs: Annotated[
        str,
        setting(
            "TRUTHTOK_CODECS",
            "what each size is encoded in: h264 (all browsers play it), hevc, av1, vp9, separated by commas",
        ),
    ] = "h264"
    hdr: Annotated[
        Literal["none", "hevc", "av1"],
        setting(
            "TRUTHTOK_HDR",
            "in which the top size of an HDR source is made in HDR, too: none, hevc or av1",
        ),
    ] = "none"
    encode_preset: Annotated[
        Literal[
            "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"
        ],
        setting(
            "TRUTHTOK_ENCODE_PRESET",
            "x264's: ultrafast to veryslow; slower ones look better for the same bytes",
        ),
    ] = "veryfast"
    encode_threads: Annotated[
        int,
        setting(
            "TRUTHTOK_ENCODE_THREADS", "threads of one encoder; 0: as many as there are cores", ge=0, le=64
        ),
    ] = 0
    encode_memory_bytes: Annotated[
        int,
        setting(
            "TRUTHTOK_ENCODE_MEMORY_BYTES",
            "what encoding a chunk may take at most, as address space",
            unit="bytes",
            ge=1024**3,
        ),
    ] = 6 * 1024**3
    encode_cpu_seconds: Annotated[
        int,
        setting(
            "TRUTHTOK_ENCODE_CPU_SECONDS",
            "of all cores together for the smallest chunk; more pixels get more",
            unit="s",
            ge=10,
        ),
    ] = 120
    encode_wall_seconds: Annotated[
        float,
        setting(
            "TRUTHTOK_ENCODE_WALL_SECONDS",
            "how long the smallest chunk may take; more pixels get more",
            unit="s",
            ge=10,
        ),
    ] = 180.0
    sweep_seconds: Annotated[
        float, setting("TRUTHTOK_SWEEP_SECONDS", "how often abandoned uploads are looked for", unit="s", ge=1)
    ] = 60.0
    drain_seconds: Annotated[
        float,
        setting(
            "TRUTHTOK_DRAIN_SECONDS", "how long running work may take to end after SIGTERM", unit="s", ge=0
        ),
    ] = 10.0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        setting("TRUTHTOK_LOG_LEVEL", "the least that is written: debug, info, warning or error"),
    ] = "info"
