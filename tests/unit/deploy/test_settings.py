"""What the settings refuse, in words that name the variable."""

import msgspec
import pytest

from deploy.settings import Settings, SettingsError, read_settings
from gateway.config import GatewayConfig

KEY = "ab" * 32


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


@pytest.mark.parametrize(("key", "said"), [("zz", "must be hex digits"), ("ab" * 31, "at least 64 hex")])
def test_a_signing_key_that_does_not_do_is_refused(key: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"TRUTHTOK_SIGNING_KEY.*{said}"):
        Settings(signing_key=key).gateway()


def test_a_public_url_without_a_scheme_is_refused() -> None:
    with pytest.raises(SettingsError, match="TRUTHTOK_API_URL must start with http://"):
        Settings(signing_key=KEY, api_url="video.example.org").gateway()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.2", "http://127.0.0.2:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
    ],
)
def test_the_api_is_reached_where_it_listens(host: str, url: str) -> None:
    assert Settings(signing_key=KEY, host=host).gateway().api_url == url


def test_every_limit_of_the_gateways_is_a_setting() -> None:
    named = {field.name for field in msgspec.structs.fields(GatewayConfig)}
    assert named <= {field.name for field in msgspec.structs.fields(Settings)}
    given = {"TRUTHTOK_SEGMENT_BYTES": "1048576", "TRUTHTOK_MAX_BODY_BYTES": "4096"}
    config = read_settings({"TRUTHTOK_SIGNING_KEY": KEY, **given}).gateway()
    assert (config.segment_bytes, config.max_body_bytes) == (1024**2, 4096)
