"""Keys that wrap keys, and what is sealed under them."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import MasterKeyUnknownError, SealBrokenError
from storage.sealing import KEY_BYTES, NAME_BYTES, Vault, folded_email, seal, unseal

OLD, NEW, FOREIGN = (bytes([n]) * KEY_BYTES for n in (1, 2, 3))
ANY_TEXT = st.text(st.characters(exclude_categories=[]))


@pytest.mark.parametrize("keys", [(), (b"short",), (NEW, b""), (NEW, NEW + b"x")])
def test_a_vault_without_keys_or_with_one_of_another_length_is_refused(keys: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(keys)


def test_a_vault_does_not_show_its_keys() -> None:
    assert repr(Vault((NEW,))) == "Vault()"


@given(st.binary(max_size=500), st.binary(max_size=50), st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES))
def test_what_is_sealed_is_opened_under_the_same_key_and_context(
    plain: bytes, context: bytes, key: bytes
) -> None:
    sealed = seal(key, plain, context)
    assert len(sealed) == len(plain) + 40
    assert unseal(key, sealed, context) == plain


@given(st.binary(max_size=60), st.data())
def test_a_single_changed_bit_breaks_the_seal(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal(NEW, plain, b"here"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealBrokenError):
        unseal(NEW, bytes(sealed), b"here")


@pytest.mark.parametrize("length", [0, 1, 23, 24, 30, 39])
def test_sealed_data_that_was_cut_short_is_broken(length: int) -> None:
    with pytest.raises(SealBrokenError):
        unseal(NEW, seal(NEW, b"plain", b"here")[:length], b"here")


def test_what_is_sealed_for_one_place_is_broken_in_another_and_under_another_key() -> None:
    sealed = seal(NEW, b"plain", b"here")
    for key, context in [(NEW, b"there"), (NEW, b""), (OLD, b"here")]:
        with pytest.raises(SealBrokenError):
            unseal(key, sealed, context)


def test_the_same_is_never_sealed_the_same_way_twice() -> None:
    assert len({seal(NEW, b"plain", b"here") for _ in range(100)}) == 100
    assert len({Vault((NEW,)).new_data_key(b"here") for _ in range(100)}) == 100


def test_the_newest_key_wraps_and_every_one_unwraps() -> None:
    data_key, wrapped = Vault((OLD,)).new_data_key(b"here")
    both = Vault((NEW, OLD))
    assert (len(data_key), len(wrapped)) == (32, 80)
    assert both.unwrap(wrapped, b"here") == data_key
    moved = both.wrap(data_key, b"here")
    assert Vault((NEW,)).unwrap(moved, b"here") == data_key
    with pytest.raises(SealBrokenError):
        Vault((OLD,)).unwrap(moved, b"here")


def test_the_name_of_the_newest_key_tells_what_it_wrapped() -> None:
    both = Vault((NEW, OLD))
    old, new = Vault((OLD,)).new_data_key(b"here")[1], both.new_data_key(b"here")[1]
    assert both.newest_name == new[:NAME_BYTES] != old[:NAME_BYTES]
    assert both.newest_name == both.wrap(OLD, b"there")[:NAME_BYTES]


def test_a_wrapped_key_passes_neither_elsewhere_nor_under_another_name_nor_cut_short() -> None:
    vault = Vault((NEW, OLD))
    _, wrapped = vault.new_data_key(b"here")
    renamed = Vault((OLD,)).newest_name + wrapped[NAME_BYTES:]
    for given_key, context in [
        (wrapped, b"there"),
        (renamed, b"here"),
        (wrapped[:7], b"here"),
        (b"", b"here"),
    ]:
        with pytest.raises(SealBrokenError):
            vault.unwrap(given_key, context)


def test_a_key_that_is_not_configured_is_said_to_be_missing() -> None:
    _, wrapped = Vault((FOREIGN,)).new_data_key(b"here")
    with pytest.raises(SealBrokenError, match="not among the configured master keys"):
        Vault((NEW, OLD)).unwrap(wrapped, b"here")


def test_an_email_has_one_lookup_hash_per_key_the_newest_first() -> None:
    both = Vault((NEW, OLD)).lookup_hashes("rain@example.org")
    assert both == (
        *Vault((NEW,)).lookup_hashes("rain@example.org"),
        *Vault((OLD,)).lookup_hashes("rain@example.org"),
    )
    assert len(set(both)) == 2
    assert {len(one) for one in both} == {32}


def test_a_lookup_hash_is_keyed_by_a_subkey_and_not_by_the_master_key_itself() -> None:
    (kept,) = Vault((NEW,)).lookup_hashes("rain@example.org")
    assert kept != hmac.digest(NEW, b"rain@example.org", "sha256")
    subkey = hashlib.blake2b(digest_size=32, key=NEW, person=b"tt lookup 1".ljust(16, b"\0")).digest()
    assert kept == hmac.digest(subkey, b"rain@example.org", "sha256")


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("Rain@Example.ORG", "rain@example.org"),
        ("  rain@example.org\n", "rain@example.org"),
        ("straße@example.org", "STRASSE@example.org"),
        ("ﬁsh@example.org", "fish@example.org"),
        ("cafe\N{COMBINING ACUTE ACCENT}@example.org", "CAFÉ@example.org"),
    ],
)
def test_emails_that_differ_in_case_and_form_only_are_one(one: str, same: str) -> None:
    assert folded_email(one) == folded_email(same)


@pytest.mark.parametrize("other", ["rain+1@example.org", "r.ain@example.org", "rain@example.com", "rain"])
def test_emails_that_differ_otherwise_are_two(other: str) -> None:
    assert folded_email(other) != folded_email("rain@example.org")


@given(ANY_TEXT)
def test_any_text_can_be_folded_and_folding_again_changes_nothing(text: str) -> None:
    folded = folded_email(text)
    assert folded_email(folded) == folded
    assert Vault((NEW,)).lookup_hashes(text) == Vault((NEW,)).lookup_hashes(folded)


def test_a_content_key_is_that_of_its_master_key_and_context_whatever_keys_came_since() -> None:
    name = Vault((OLD,)).newest_name.hex()
    subkey = hashlib.blake2b(digest_size=32, key=OLD, person=b"tt content 1\0\0\0\0").digest()
    wanted = hashlib.blake2b(b"here", digest_size=16, key=subkey).digest()
    assert Vault((OLD,)).content_key(name, b"here") == Vault((NEW, OLD)).content_key(name, b"here") == wanted
    both = Vault((NEW, OLD))
    others = {both.content_key(name, b"there"), both.content_key(both.newest_name.hex(), b"here")}
    assert len(others | {wanted}) == 3


@pytest.mark.parametrize(
    "name", ["", "ff" * 8, "not hex", "\u00e4" * 16, Vault((OLD,)).newest_name.hex().upper()]
)
def test_a_name_of_no_master_key_is_refused(name: str) -> None:
    with pytest.raises(MasterKeyUnknownError, match="TRUTHTOK_MASTER_KEYS"):
        Vault((OLD,)).content_key(name, b"here")
