from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway import signing
from gateway.config import GatewayConfig

CONFIG = GatewayConfig(api_url="http://api", media_url="http://media", signing_key=b"k" * 32)
VIDEO = UUID("0199c8a2-0000-7000-8000-000000000001")
NOW = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)


def _query(url: str) -> tuple[str, str]:
    query = parse_qs(urlsplit(url).query)
    return query["expires"][0], query["signature"][0]


def _flips(text: str) -> list[str]:
    raw = text.encode()
    flipped = (
        bytes([*raw[:place], raw[place] ^ 1 << bit, *raw[place + 1 :]])
        for place in range(len(raw))
        for bit in range(8)
    )
    return [one.decode("latin-1") for one in flipped]


@given(st.uuids())
def test_an_upload_url_names_its_upload(upload_id: UUID) -> None:
    token = signing.upload_url(CONFIG, upload_id).removeprefix("http://media/uploads/")
    assert signing.find_upload_id(CONFIG, token) == upload_id


@given(st.uuids())
def test_any_flipped_bit_of_an_upload_url_makes_it_unknown(upload_id: UUID) -> None:
    token = signing.upload_token(CONFIG, upload_id)
    assert all(signing.find_upload_id(CONFIG, flipped) is None for flipped in _flips(token))


@given(st.text())
def test_made_up_upload_urls_are_unknown(token: str) -> None:
    assert signing.find_upload_id(CONFIG, token) is None


@pytest.mark.parametrize("form", ["{%s}", "urn:uuid:%s", " %s"])
def test_another_spelling_of_an_id_is_unknown(form: str) -> None:
    upload_id, signature = signing.upload_token(CONFIG, VIDEO).split(".")
    assert signing.find_upload_id(CONFIG, f"{form % upload_id}.{signature}") is None


def test_a_media_url_opens_every_object_of_its_video() -> None:
    url = signing.media_url(CONFIG, VIDEO, "hls/a b.m4s", signing.media_expiry(CONFIG, NOW))
    assert urlsplit(url).path == f"/media/{VIDEO}/hls/a%20b.m4s"
    assert signing.check_media(CONFIG, VIDEO, *_query(url), NOW) == "valid"


def test_a_media_url_opens_no_other_video() -> None:
    query = _query("?" + signing.media_query(CONFIG, VIDEO, 2_000_000_000))
    assert signing.check_media(CONFIG, uuid4(), *query, NOW) == "bad"


def test_a_media_url_stops_at_its_expiry() -> None:
    at = int(NOW.timestamp())
    query = _query("?" + signing.media_query(CONFIG, VIDEO, at))
    assert signing.check_media(CONFIG, VIDEO, *query, NOW - timedelta(seconds=1)) == "valid"
    assert signing.check_media(CONFIG, VIDEO, *query, NOW) == "expired"


def test_any_flipped_bit_of_a_media_signature_fails() -> None:
    expires, signature = _query("?" + signing.media_query(CONFIG, VIDEO, 2_000_000_000))
    verdicts = {signing.check_media(CONFIG, VIDEO, expires, one, NOW) for one in _flips(signature)}
    assert verdicts == {"bad"}


@given(st.integers(min_value=0, max_value=10**12))
def test_a_moved_expiry_fails(expires_at: int) -> None:
    _, signature = _query("?" + signing.media_query(CONFIG, VIDEO, 2_000_000_000))
    verdict = signing.check_media(CONFIG, VIDEO, str(expires_at), signature, NOW)
    assert verdict == ("valid" if expires_at == 2_000_000_000 else "bad")


@pytest.mark.parametrize(
    "expires", ["", "+2000000000", "02000000000", "2_000_000_000", "٢", "9" * 5000, "-1"]
)
def test_an_expiry_that_is_no_plain_number_fails(expires: str) -> None:
    assert signing.check_media(CONFIG, VIDEO, expires, "x" * 24, NOW) == "bad"


def test_a_signature_for_one_purpose_does_not_serve_another() -> None:
    signature = signing.upload_token(CONFIG, VIDEO).split(".")[1]
    assert signing.check_media(CONFIG, VIDEO, "2000000000", signature, NOW) == "bad"


def test_another_key_opens_nothing() -> None:
    other = replace(CONFIG, signing_key=b"o" * 32)
    assert signing.find_upload_id(other, signing.upload_token(CONFIG, VIDEO)) is None


def test_a_new_key_signs_and_what_a_former_one_signed_still_opens() -> None:
    rotated = replace(CONFIG, signing_key=b"n" * 32, former_signing_keys=(CONFIG.signing_key,))
    assert signing.find_upload_id(rotated, signing.upload_token(CONFIG, VIDEO)) == VIDEO
    signature = signing.media_query(CONFIG, VIDEO, 2_000_000_000).rpartition("=")[2]
    assert signing.check_media(rotated, VIDEO, "2000000000", signature, NOW) == "valid"
    assert signing.find_upload_id(CONFIG, signing.upload_token(rotated, VIDEO)) is None


@pytest.mark.parametrize("name", ["signing_key", "former_signing_keys"])
def test_a_short_key_is_refused(name: str) -> None:
    short = b"k" * 31
    with pytest.raises(ValueError, match="32 bytes"):
        signing.upload_url(replace(CONFIG, **{name: short if name == "signing_key" else (short,)}), VIDEO)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_an_expiry_is_a_whole_hour_and_never_early(now: datetime) -> None:
    expires_at = signing.media_expiry(CONFIG, now)
    assert expires_at % 3600 == 0
    assert CONFIG.url_ttl_seconds <= expires_at - now.timestamp() < CONFIG.url_ttl_seconds + 3600
