"""Every setting: environment variable, default, unit and meaning. The only module that reads the environment.

`truthtok settings` lists them, `.env.example` is rendered from them. A variable that starts with TRUTHTOK_
and is none of them is an error: a misspelt limit must not pass for the default.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec

from deploy.addresses import SCHEMES, at, find_trouble, is_seed
from deploy.stack_errors import StackError
from gateway.config import GatewayConfig
from gateway.signing import KEY_BYTES_MIN
from storage.identity_records import UploadQuota
from storage.sealing import KEY_BYTES, Vault

PREFIX = "TRUTHTOK_"


class SettingsError(StackError):
    """A setting is unknown, missing or does not fit; the text names the variable."""


def setting(
    variable: str, meaning: str, *, unit: str = "", secret: bool = False, **bounds: Any
) -> msgspec.Meta:
    """Return the annotation that makes a struct field a setting."""
    extra = {"variable": variable, "unit": unit, "secret": secret}
    return msgspec.Meta(description=meaning, extra=extra, **bounds)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings of one process. What has no default is checked where it is needed (`need`)."""

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
        setting("TRUTHTOK_SIGNING_KEY", "64 hex digits or more; signs upload and media URLs", secret=True),
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
            "TRUTHTOK_PASSWORD_MEMORY_BYTES", "what hashing one password takes", unit="bytes", ge=8 * 1024**2
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
    s3_encryption: Annotated[
        str, setting("TRUTHTOK_S3_ENCRYPTION", "encryption by the bucket: AES256, aws:kms, or empty")
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

    def need(self, *fields: str) -> None:
        """Raise SettingsError, naming the variables, unless all these settings are given and can be."""
        missing = [described(name).variable for name in fields if not getattr(self, name)]
        if missing:
            raise SettingsError(f"set {', '.join(missing)} (see `truthtok settings`), or run `truthtok up`")
        for name in fields:
            self._check(name)

    def _check(self, field: str) -> None:
        value = getattr(self, field)
        trouble = find_trouble(field, value) if field in SCHEMES and value else ""
        if trouble:
            raise SettingsError(f"{described(field).variable} {trouble}")
        if field == "nats_url" and self.nats_seed and not is_seed(self.nats_seed):
            raise SettingsError("TRUTHTOK_NATS_SEED is not the seed of an nkey (SU…)")

    def gateway(self) -> GatewayConfig:
        """Return what both gateways need. Raises SettingsError."""
        self.need("signing_key", "master_keys", "token_keys")
        for name in ("api_url", "media_url"):
            self._check(name)
        return GatewayConfig(
            api_url=(self.api_url or at(self.host, self.port)).rstrip("/"),
            media_url=(self.media_url or at(self.host, self.media_port)).rstrip("/"),
            signing_key=self._key(),
            max_upload_bytes=self.max_upload_bytes,
            segment_bytes=self.segment_bytes,
            max_body_bytes=self.max_body_bytes,
            upload_ttl_seconds=self.upload_ttl_seconds,
            url_ttl_seconds=self.url_ttl_seconds,
            max_streams=self.max_streams,
            allowed_origins=tuple(one.strip() for one in self.allowed_origins.split(",") if one.strip()),
            redirect_to_storage=self.redirect_to_storage,
            behind_proxy=self.behind_proxy,
            token_seeds=self._hex_keys("token_keys"),
            access_token_seconds=self.access_token_seconds,
            refresh_token_seconds=self.refresh_token_seconds,
            register_as=None if self.register_as == "nobody" else self.register_as,
            password_memory_bytes=self.password_memory_bytes,
            password_passes=self.password_passes,
            rate_limits=self.rate_limits,
            quota=UploadQuota(uploads=self.quota_uploads, size_bytes=self.quota_bytes),
            drain_seconds=self.drain_seconds,
        )

    def vault(self) -> Vault:
        """Return the master keys. Raises SettingsError."""
        self.need("master_keys")
        return Vault(self._hex_keys("master_keys"))

    def _hex_keys(self, field: str) -> tuple[bytes, ...]:
        """Return the keys of a setting, 32 bytes each. Raises SettingsError."""
        try:
            keys = tuple(bytes.fromhex(one) for one in getattr(self, field).split(",") if one.strip())
        except ValueError:
            keys = ()
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            variable = described(field).variable
            raise SettingsError(f"{variable} must be keys of {2 * KEY_BYTES} hex digits, separated by commas")
        return keys

    def _key(self) -> bytes:
        try:
            key = bytes.fromhex(self.signing_key)
        except ValueError as error:
            raise SettingsError("TRUTHTOK_SIGNING_KEY must be hex digits") from error
        if len(key) < KEY_BYTES_MIN:
            digits = 2 * KEY_BYTES_MIN
            raise SettingsError(f"TRUTHTOK_SIGNING_KEY must have at least {digits} hex digits")
        return key


@dataclass(frozen=True, slots=True)
class Described:
    """One setting as people see it."""

    field: str
    variable: str
    default: str
    unit: str
    meaning: str
    secret: bool


def describe() -> Iterator[Described]:
    """Yield every setting in the order of the struct."""
    hints = get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        meta = hints[field.name].__metadata__[0]
        default = field.default
        shown = str(int(default)) if isinstance(default, bool) else str(default)
        extra = meta.extra
        yield Described(
            field.name, extra["variable"], shown, extra["unit"], meta.description, extra["secret"]
        )


def described(field: str) -> Described:
    """Return the description of one setting by its field. Raises KeyError."""
    return {one.field: one for one in describe()}[field]


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment. Raises SettingsError, naming the variable."""
    environment = os.environ if environment is None else environment
    by_variable = {one.variable: one.field for one in describe()}
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in by_variable)
    if unknown:
        raise SettingsError(f"unknown setting {', '.join(unknown)}: see `truthtok settings`")
    given = {field: environment[name] for name, field in by_variable.items() if environment.get(name)}
    try:
        return msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        text = str(error)
        field = text.rpartition("`$.")[2].rstrip("`")
        one = described(field)
        raise SettingsError(f"{one.variable}: {text.partition(' - at')[0]} ({one.meaning})") from error


def child_environment(**settings: str) -> dict[str, str]:
    """Return the environment of a child: what a program needs to run, and these settings by field name."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    return kept | {described(field).variable: value for field, value in settings.items()}


def default_data_dir() -> Path:
    """Return where `truthtok up` keeps its data when not told: `.truthtok/` in the working directory."""
    return Path.cwd() / ".truthtok"
