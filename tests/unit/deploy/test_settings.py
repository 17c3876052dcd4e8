"""What the settings refuse, in words that name the variable."""

from typing import Any

import msgspec
import pytest

from deploy.settings import Settings, SettingsError, describe, read_settings
from gateway.config import GatewayConfig
from storage.identity_records import UploadQuota

KEY = "ab" * 32
OTHER_KEY = "cd" * 32


def given(**settings: Any) -> Settings:
    """Return settings with every key that a gateway needs, and these."""
    keys = {"signing_key": KEY, "master_keys": KEY, "token_keys": KEY}
    return Settings(**{**keys, **settings})


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("database_url", "localhost/truthtok", "DATABASE_URL must start with postgresql://"),
        ("database_url", "postgresql://u:hush@db:port/x", "DATABASE_URL has a port that is none"),
        ("database_url", "postgresql:///x", "DATABASE_URL names no host"),
        ("redis_url", "http://cache", "REDIS_URL must start with redis://"),
        ("redis_url", "redis://[::1", "REDIS_URL is not a URL"),
        ("nats_url", "nats://a:4222,b:4222", "NATS_URL must start with nats://"),
        ("nats_url", "nats://a:99999", "NATS_URL has a port that is none"),
    ],
)
def test_a_url_that_can_be_none_is_refused_by_name(field: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings(**{field: value}).need(field)
    assert str(caught.value).startswith(said)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("database_url", "postgresql://u:p@a:5432,b:5432/x"),
        ("database_url", "postgres:///x?host=/run/postgresql"),
        ("redis_url", "rediss://:p@[::1]:6379/0"),
        ("redis_url", "unix:///run/redis.sock"),
        ("nats_url", "nats://a:4222,tls://b"),
    ],
)
def test_every_form_that_the_drivers_know_is_taken(field: str, value: str) -> None:
    Settings(**{field: value}).need(field)


def test_a_seed_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="TRUTHTOK_NATS_SEED"):
        Settings(nats_url="nats://a", nats_seed="SUhush").need("nats_url")


@pytest.mark.parametrize("field", ["signing_key", "master_keys", "token_keys"])
@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("", "set TRUTHTOK_"),
        (",", "at least 64 hex digits"),
        ("zz", "must be hex digits"),
        (f"{KEY};{OTHER_KEY}", "must be hex digits, several keys separated by commas"),
        ("ab" * 31, "at least 64 hex digits"),
        (f"{KEY},abcd", "at least 64 hex digits in each key"),
        (f"{KEY},{OTHER_KEY}, {KEY}", "names a key twice"),
    ],
)
def test_keys_that_do_not_do_are_refused_by_name(field: str, keys: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        given(**{field: keys}).gateway()
    assert f"TRUTHTOK_{field.upper()}" in str(caught.value)
    assert said in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("field", ["master_keys", "token_keys"])
def test_a_key_that_is_too_long_is_not_cut(field: str) -> None:
    with pytest.raises(SettingsError, match="64 hex digits in each key, and commas between them"):
        given(**{field: KEY + OTHER_KEY}).gateway()


def test_the_first_of_several_keys_is_the_newest() -> None:
    two = f"{KEY}, {OTHER_KEY}"
    settings = given(signing_key=two, master_keys=two, token_keys=two)
    both, config = (bytes.fromhex(KEY), bytes.fromhex(OTHER_KEY)), settings.gateway()
    assert (config.signing_key, config.former_signing_keys) == (both[0], both[1:])
    assert (config.token_seeds, settings.vault().keys) == (both, both)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TRUTHTOK_ACCESS_TOKEN_SECONDS", "9", ">= 10"),
        ("TRUTHTOK_REFRESH_TOKEN_SECONDS", "never", "Expected `float`"),
        ("TRUTHTOK_REGISTER_AS", "admin", "creator, viewer, or nobody"),
        ("TRUTHTOK_PASSWORD_MEMORY_BYTES", "1024", ">= 8388608"),
        ("TRUTHTOK_PASSWORD_MEMORY_BYTES", "99999999999", "<= 4294967296"),
        ("TRUTHTOK_PASSWORD_PASSES", "0", ">= 1"),
        ("TRUTHTOK_RATE_LIMITS", "some", "Expected `bool`"),
        ("TRUTHTOK_QUOTA_UPLOADS", "-1", ">= 0"),
        ("TRUTHTOK_QUOTA_BYTES", "1 GB", "Expected `int`"),
        ("TRUTHTOK_ENCRYPTION", "on", "stored media: off"),
        ("TRUTHTOK_S3_ENCRYPTION", "aes", "AES256, aws:kms, aws:kms:dsse, or empty"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(variable: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({variable: value})
    assert str(caught.value).startswith(f"{variable}: ")
    assert said in str(caught.value)


def test_a_setting_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="unknown setting TRUTHTOK_MASTER_KEY:"):
        read_settings({"TRUTHTOK_MASTER_KEY": KEY})


def test_nobody_may_register_where_that_is_said() -> None:
    assert given(register_as="nobody").gateway().register_as is None
    assert given(register_as="viewer").gateway().register_as == "viewer"


def test_a_public_url_without_a_scheme_is_refused() -> None:
    with pytest.raises(SettingsError, match="TRUTHTOK_API_URL must start with http://"):
        given(api_url="video.example.org").gateway()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.2", "http://127.0.0.2:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
    ],
)
def test_the_api_is_reached_where_it_listens(host: str, url: str) -> None:
    assert given(host=host).gateway().api_url == url


def test_every_limit_of_the_gateways_is_a_setting() -> None:
    named = {field.name for field in msgspec.structs.fields(GatewayConfig)}
    made_of_others = {"former_signing_keys", "token_seeds", "quota"}
    assert named - made_of_others <= {field.name for field in msgspec.structs.fields(Settings)}
    limits = {
        "TRUTHTOK_SEGMENT_BYTES": "1048576",
        "TRUTHTOK_MAX_BODY_BYTES": "4096",
        "TRUTHTOK_QUOTA_UPLOADS": "3",
        "TRUTHTOK_QUOTA_BYTES": "5000",
    }
    keys = dict.fromkeys(("TRUTHTOK_SIGNING_KEY", "TRUTHTOK_MASTER_KEYS", "TRUTHTOK_TOKEN_KEYS"), KEY)
    config = read_settings({**keys, **limits}).gateway()
    assert (config.segment_bytes, config.max_body_bytes) == (1024**2, 4096)
    assert config.quota == UploadQuota(uploads=3, size_bytes=5000)


def test_every_setting_is_described_with_its_variable_and_secrets_have_no_default() -> None:
    for one in describe():
        assert one.variable.isupper()
        assert one.meaning
        assert not (one.secret and one.default), one.variable
