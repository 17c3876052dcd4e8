"""The settings as they are read and checked. The only module that reads the environment.

A variable that starts with TRUTHTOK_ and is none of them is an error: a misspelt limit must not pass for the
default.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_type_hints

import msgspec

from deploy.addresses import SCHEMES, at, find_trouble, is_seed
from deploy.declared_settings import DeclaredSettings
from deploy.key_lists import parse_keys
from deploy.stack_errors import StackError
from gateway.config import GatewayConfig
from storage.identity_records import UploadQuota
from storage.sealing import KEY_BYTES, Vault

PREFIX: Final = "TRUTHTOK_"
NEW_KEYS: Final = "`truthtok keys new` makes keys"


class SettingsError(StackError):
    """A setting is unknown, missing or does not fit; the text names the variable."""


class Settings(DeclaredSettings, frozen=True, kw_only=True):
    """All settings of one process. What has no default is checked where it is needed (`need`)."""

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
        signing_key, *former_keys = self.keys("signing_key")
        self.keys("master_keys")
        return GatewayConfig(
            api_url=(self.api_url or at(self.host, self.port)).rstrip("/"),
            media_url=(self.media_url or at(self.host, self.media_port)).rstrip("/"),
            signing_key=signing_key,
            former_signing_keys=tuple(former_keys),
            max_upload_bytes=self.max_upload_bytes,
            segment_bytes=self.segment_bytes,
            max_body_bytes=self.max_body_bytes,
            upload_ttl_seconds=self.upload_ttl_seconds,
            url_ttl_seconds=self.url_ttl_seconds,
            max_streams=self.max_streams,
            allowed_origins=tuple(one.strip() for one in self.allowed_origins.split(",") if one.strip()),
            redirect_to_storage=self.redirect_to_storage,
            behind_proxy=self.behind_proxy,
            token_seeds=self.keys("token_keys"),
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
        return Vault(self.keys("master_keys"))

    def keys(self, field: str) -> tuple[bytes, ...]:
        """Return the keys of a setting that is a list of keys. Raises SettingsError."""
        self.need(field)
        bytes_max = None if field == "signing_key" else KEY_BYTES
        try:
            return parse_keys(getattr(self, field), bytes_min=KEY_BYTES, bytes_max=bytes_max)
        except ValueError as error:
            raise SettingsError(f"{described(field).variable} {error}; {NEW_KEYS}") from error


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
