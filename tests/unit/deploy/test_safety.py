"""What the doctor says of keys and of what strangers could do."""

import secrets

import pytest

from deploy.key_lists import is_guessable
from deploy.safety import exposure_findings, key_findings
from deploy.settings import Settings


def key() -> str:
    return secrets.token_hex(32)


def wrong_keys(**settings: str) -> list[str]:
    given = {"signing_key": key(), "master_keys": key(), "token_keys": key(), **settings}
    return [said for well, said in key_findings(Settings(**given), is_distributed=True) if not well]


def wrong_exposure(**settings: object) -> list[str]:
    return [said for well, said in exposure_findings(Settings(**settings)) if not well]


def test_random_keys_are_well() -> None:
    assert wrong_keys() == []
    assert wrong_keys(master_keys=f"{key()},{key()}") == []


@pytest.mark.parametrize("field", ["signing_key", "master_keys", "token_keys"])
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "is not set: give all processes the same (`truthtok keys new`"),
        ("abcd", "must have at least 64 hex digits"),
        ("ab" * 32, "can be guessed"),
        (f"{key()},{'0123456789abcdef' * 4}", "can be guessed"),
    ],
)
def test_a_key_that_does_not_do_is_named_and_never_quoted(field: str, value: str, said: str) -> None:
    [found] = wrong_keys(**{field: value})
    assert f"TRUTHTOK_{field.upper()}" in found
    assert said in found
    assert not value or value not in found


def test_one_key_for_two_purposes_is_wrong() -> None:
    one = key()
    [found] = wrong_keys(signing_key=one, token_keys=f"{key()},{one}")
    assert "a key of TRUTHTOK_TOKEN_KEYS is that of TRUTHTOK_SIGNING_KEY, too" in found


def test_an_embedded_stack_makes_its_own_keys() -> None:
    assert list(key_findings(Settings(), is_distributed=False)) == []


def test_random_bytes_are_not_taken_for_guessable() -> None:
    assert not any(is_guessable(secrets.token_bytes(32)) for _ in range(1000))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"password_memory_bytes": 8 * 1024**2}, "raise TRUTHTOK_PASSWORD_MEMORY_BYTES"),
        ({"behind_proxy": True, "rate_limits": False}, "TRUTHTOK_RATE_LIMITS=0"),
        ({"api_url": "http://video.example.org"}, "TRUTHTOK_API_URL is not https"),
        ({"api_url": "https://a.org", "media_url": "http://m.org"}, "TRUTHTOK_MEDIA_URL is not https"),
    ],
)
def test_what_strangers_could_use_is_wrong(settings: dict[str, object], said: str) -> None:
    [found] = wrong_exposure(**settings)
    assert said in found


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"rate_limits": False},
        {"api_url": "http://127.0.0.1:8000", "behind_proxy": True, "rate_limits": False},
        {"behind_proxy": True, "api_url": "https://video.example.org"},
        {"api_url": "http://[::1"},
    ],
)
def test_what_only_this_machine_can_use_is_well(settings: dict[str, object]) -> None:
    assert not any("RATE_LIMITS" in said or "https" in said for said in wrong_exposure(**settings))


def test_who_may_register_is_told_of_a_public_service() -> None:
    public = {"api_url": "https://video.example.org"}
    [(well, said)] = exposure_findings(Settings(**public))
    assert well
    assert "may register as creator (TRUTHTOK_REGISTER_AS)" in said
    assert list(exposure_findings(Settings(**public, register_as="nobody"))) == []
