"""Access tokens: ours are read by any library, and nobody else's are read by us."""

import hmac
import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt as jose
from joserfc.jwk import KeySet
from msgspec.structs import replace

from gateway.identity import base64url
from gateway.identity.access_tokens import LONGEST, AccessTokens, TokenKey
from gateway.problems import ProblemError

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ISSUER = "http://api.test"
USER, SESSION = UUID("01990000-0000-7000-8000-00000000aaaa"), UUID("01990000-0000-7000-8000-00000000bbbb")
SEED, OLDER = b"s" * 32, b"o" * 32
KEY = TokenKey(SEED)
TOKENS = AccessTokens(ISSUER, 900, (SEED, OLDER))
TOKEN = TOKENS.issue(USER, SESSION, NOW)
CLAIMS = TOKENS.read(TOKEN, NOW)


def refused(token, now=NOW, tokens=TOKENS):
    with pytest.raises(ProblemError) as caught:
        tokens.read(token, now)
    assert caught.value.status == 401
    assert 'error="invalid_token"' in caught.value.headers["WWW-Authenticate"]
    return caught.value.detail


def part(value):
    return base64url.encode(value if isinstance(value, bytes) else json.dumps(value).encode())


def signed(header, payload, key=KEY):
    """A token of any header and payload with a true signature."""
    text = f"{part(header)}.{part(payload)}"
    return f"{text}.{base64url.encode(key.sign(text.encode()))}"


def header(**changes):
    return {"alg": "EdDSA", "typ": "at+jwt", "kid": KEY.kid} | changes


def payload(**changes):
    return {key: value for key, value in (msgspec.to_builtins(CLAIMS) | changes).items() if value is not ...}


async def key_set(house):
    return (await house.nobody.ask("GET", "/.well-known/jwks.json")).json


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # RFC 9864 prefers the name Ed25519
async def test_our_tokens_are_verified_by_other_libraries_from_the_published_keys(house):
    keys = await key_set(house)
    token = house.tokens.issue(USER, SESSION, datetime.now(UTC))
    found = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    read = jwt.decode(token, found.key, algorithms=["EdDSA"], audience="truthtok", issuer=ISSUER)
    assert (read["sub"], read["sid"]) == (str(USER), str(SESSION))
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    other = jose.decode(token, KeySet.import_key_set(keys), algorithms=["EdDSA"])
    assert other.claims == read


async def test_the_published_keys_are_named_by_their_thumbprint_and_hold_no_secret(house):
    (key,) = (await key_set(house))["keys"]
    assert set(key) == {"kty", "crv", "use", "alg", "kid", "x"}
    assert KeySet.import_key_set({"keys": [key]}).keys[0].thumbprint() == key["kid"]


def test_a_token_says_who_and_which_session_and_no_role():
    assert (CLAIMS.sub, CLAIMS.sid) == (USER, SESSION)
    assert CLAIMS.exp - CLAIMS.iat == 900
    said = json.loads(urlsafe_b64decode(TOKEN.split(".")[1] + "=="))
    assert set(said) == {"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"}


def test_no_two_tokens_are_the_same():
    assert TOKENS.issue(USER, SESSION, NOW) != TOKEN


def test_what_is_signed_by_hand_with_every_claim_is_taken():
    assert TOKENS.read(signed(header(), payload()), NOW) == CLAIMS
    assert TOKENS.read(signed(header(), payload(future_claim=1)), NOW) == CLAIMS


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "Ed25519"},
        {"alg": None},
        {"typ": "JWT"},
        {"typ": "AT+JWT"},
        {"kid": "another"},
        {"kid": TokenKey(b"x" * 32).kid},
        {"kid": None},
        {"crit": ["exp"]},
        {"crit": []},
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": TokenKey(b"x" * 32).x}},
        {"jku": "https://evil.test/keys"},
        {"x5c": []},
        {"b64": False},
        {"zip": "DEF"},
    ],
)
def test_a_header_that_is_not_ours_is_refused_whatever_signed_it(changes):
    refused(signed(header(**changes), payload()))


@pytest.mark.parametrize("left_out", ["alg", "typ", "kid"])
def test_a_header_without_one_of_its_members_is_refused(left_out):
    refused(signed({name: value for name, value in header().items() if name != left_out}, payload()))


def test_a_token_that_brings_its_own_key_is_refused():
    theirs = TokenKey(b"x" * 32)
    own = {"kty": "OKP", "crv": "Ed25519", "x": theirs.x}
    refused(signed(header(jwk=own, kid=theirs.kid), payload(), theirs))
    refused(signed(header(jwk=own), payload(), theirs))
    refused(signed(header(), payload(), theirs))


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "EdDSA"])
@pytest.mark.parametrize("signature", ["", "AA"])
def test_an_unsigned_token_is_refused(alg, signature):
    refused(f"{part(header(alg=alg))}.{part(payload())}.{signature}")


@pytest.mark.parametrize("alg", ["HS256", "EdDSA"])
@pytest.mark.parametrize("secret", [KEY.x.encode(), urlsafe_b64decode(KEY.x + "=")])
def test_the_public_key_is_no_secret_to_sign_with(alg, secret):
    text = f"{part(header(alg=alg))}.{part(payload())}"
    refused(f"{text}.{part(hmac.digest(secret, text.encode(), 'sha256'))}")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "http://evil.test"},
        {"iss": ISSUER + "/"},
        {"iss": ...},
        {"aud": "another"},
        {"aud": ["truthtok"]},
        {"aud": ...},
        {"sub": "me"},
        {"sub": ...},
        {"sid": "1"},
        {"sid": None},
        {"sid": ...},
        {"jti": ...},
        {"exp": ...},
        {"exp": "never"},
        {"exp": None},
        {"exp": True},
        {"nbf": ...},
        {"iat": ...},
        {"exp": int(NOW.timestamp())},
        {"exp": -1},
        {"nbf": int(NOW.timestamp()) + 31},
        {"iat": int(NOW.timestamp()) + 31},
    ],
)
def test_claims_that_do_not_hold_are_refused_though_the_signature_does(changes):
    refused(signed(header(), payload(**changes)))


def test_clocks_may_be_apart_for_the_beginning_and_not_for_the_end():
    late = int(NOW.timestamp()) + 30
    assert TOKENS.read(signed(header(), payload(nbf=late, iat=late)), NOW).nbf == late
    assert TOKENS.read(TOKEN, NOW + timedelta(seconds=899.9))
    assert "run out" in refused(TOKEN, NOW + timedelta(seconds=900))
    assert "not valid yet" in refused(TOKEN, NOW - timedelta(seconds=31))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b'"x"',
        b"\xff",
        b"{",
        b"[" * 900,
        b'{"exp": NaN}',
        b'{"a":1}{"a":1}',
    ],
)
def test_parts_that_are_no_object_are_refused(raw):
    refused(signed(header(), raw))
    refused(signed(raw, payload()))


def test_a_member_that_comes_twice_is_refused():
    once = json.dumps(payload()).encode()
    refused(signed(header(), once[:-1] + b',"sub":"' + str(SESSION).encode() + b'"}'))
    twice = json.dumps(header()).encode()[:-1] + b',"kid":"' + KEY.kid.encode() + b'"}'
    refused(signed(twice, payload()))


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "é.é.é",
        f"{TOKEN}.",
        f".{TOKEN}",
        f"{TOKEN}=",
        f"{TOKEN} ",
        f"{TOKEN}\n",
        f"{TOKEN}.{TOKEN}",
        TOKEN.rpartition(".")[0],
        TOKEN.rpartition(".")[0] + ".",
        TOKEN.replace(".", "=.", 1),
        TOKEN + "A",
    ],
)
def test_what_is_not_exactly_three_parts_as_we_write_them_is_refused(token):
    refused(token)


def test_a_token_that_is_too_long_is_refused_though_signed():
    token = signed(header(), payload(pad="x" * LONGEST))
    assert len(token) > LONGEST
    refused(token)


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("ABCxyz019-_.=/+ é"))
def test_no_letter_of_a_token_can_be_another(place, letter):
    touched = TOKEN[:place] + letter + TOKEN[place + 1 :]
    if touched != TOKEN:
        refused(touched)


@given(st.integers(0, 2), st.integers(0, 10_000), st.integers(0, 7))
def test_no_bit_of_a_token_can_be_another(which, position, bit):
    parts = [bytearray(base64url.decode(one)) for one in TOKEN.split(".")]
    parts[which][position % len(parts[which])] ^= 1 << bit
    refused(".".join(base64url.encode(bytes(one)) for one in parts))


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: base64url.encode(raw) + ".e30.AA"))
def test_any_text_is_refused_and_nothing_worse(text):
    refused(text)


def test_a_rotated_key_verifies_while_it_is_listed_and_not_after():
    old = AccessTokens(ISSUER, 900, (OLDER,)).issue(USER, SESSION, NOW)
    assert TOKENS.read(old, NOW).sub == USER
    assert TokenKey(OLDER).kid in [key.kid for key in TOKENS.keys]
    refused(old, tokens=AccessTokens(ISSUER, 900, (SEED,)))


def test_the_first_key_signs():
    assert json.loads(base64url.decode(TOKEN.split(".")[0]))["kid"] == KEY.kid


def test_a_seed_that_is_listed_twice_is_published_once():
    assert len(AccessTokens(ISSUER, 900, (SEED, SEED)).keys) == 1


def test_without_keys_nobody_signs_and_nothing_is_read():
    bare = AccessTokens(ISSUER, 900, ())
    with pytest.raises(ValueError, match="TRUTHTOK_TOKEN_KEYS"):
        bare.issue(USER, SESSION, NOW)
    refused(TOKEN, tokens=bare)


def test_tokens_of_another_installation_with_the_same_keys_are_refused():
    assert "another service" in refused(
        AccessTokens("http://other.test", 900, (SEED,)).sign(CLAIMS_ELSEWHERE)
    )


CLAIMS_ELSEWHERE = replace(CLAIMS, iss="http://other.test")


@given(st.binary(max_size=64))
def test_base64url_is_read_as_it_is_written(data):
    if data:
        assert base64url.decode(base64url.encode(data)) == data


@pytest.mark.parametrize("text", ["", "A", "AA=", "AB", "A+", "A/", "A A", "é", "AAAAA"])
def test_base64url_that_we_would_not_write_is_refused(text):
    with pytest.raises(ValueError, match="base64"):
        base64url.decode(text)
