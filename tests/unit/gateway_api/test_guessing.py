"""What a guesser of passwords learns, which is nothing, and how often they may guess."""

import pytest
from prometheus_client import REGISTRY

from gateway.limits.leases import LeasedLimits
from storage.memory.buckets import MemoryBuckets

ADA = {"email": "Ada@Example.org", "password": "correct horse", "name": "Ada"}
SIGN_IN = {"email": "ada@example.org", "password": "correct horse"}
WRONG = {"password": "wrong horse"}
FAR = "203.0.113.9"


@pytest.fixture
async def ada(house):
    """What somebody is told who registers."""
    return (await house.nobody.ask("POST", "/api/v1/auth/register", ADA, peer=FAR)).json


async def sign_in(house, peer=FAR, request_id="r", **said):
    told = {"X-Request-Id": request_id}
    return await house.nobody.ask("POST", "/api/v1/auth/login", SIGN_IN | said, peer=peer, headers=told)


def checks():
    return REGISTRY.get_sample_value("truthtok_api_password_hashes_total", {"purpose": "check"}) or 0.0


async def test_a_failed_sign_in_says_and_does_the_same_whatever_was_wrong(house, ada):
    eve = await house.nobody.ask("POST", "/api/v1/auth/register", ADA | {"email": "eve@example.org"})
    headers = {"Authorization": f"Bearer {eve.json['access_token']}"}
    assert (await house.nobody.ask("DELETE", "/api/v1/me", headers=headers)).status == 204
    answers, work = [], []
    for email, password in (
        ("nobody@example.org", "correct horse"),
        ("ada@example.org", "wrong horse"),
        ("eve@example.org", "correct horse"),
        ("no e-mail at all", ""),
    ):
        before, entries = checks(), len(await house.trail())
        told = await sign_in(house, email=email, password=password)
        answers.append((told.status, told.body, sorted(told.headers.items())))
        work.append((checks() - before, len(await house.trail()) - entries))
    assert answers == [answers[0]] * 4
    assert answers[0][0] == 401
    assert work == [(1, 1)] * 4


async def test_a_failed_sign_in_is_written_down_without_what_was_typed(house, ada):
    await sign_in(house, request_id="r-7", **WRONG)
    await sign_in(house, email="nobody@example.org")
    found = await house.storage.audit.page(actor_id=None, target=None, before=None, limit=10)
    entries = {entry.target: entry for entry in found if entry.action == "session.refused"}
    assert set(entries) == {None, f"user:{ada['user']['id']}"}
    entry = entries[f"user:{ada['user']['id']}"]
    assert (entry.actor_id, entry.address, entry.request_id) == (None, FAR, "r-7")
    assert "horse" not in str(found)
    assert "example" not in str(found)


async def test_attempts_are_counted_by_network_and_account_and_success_gives_back(house, ada):
    house.limits.spent.clear()
    assert (await sign_in(house)).status == 200
    assert [bucket for bucket, _ in house.limits.spent] == ["password", "password"]
    house.limits.spent.clear()
    assert (await sign_in(house, **WRONG)).status == 401
    assert (await sign_in(house, email="ADA@example.org", **WRONG)).status == 401
    first, again = house.limits.spent[:4], house.limits.spent[4:]
    assert [bucket for bucket, _ in first] == ["sign_in", "password", "sign_in_pair", "sign_in_account"]
    by_network, checked, by_both, by_account = (holder for _, holder in first)
    assert (by_network, checked, by_both) == (f"address:{FAR}", f"address:{FAR}", f"{by_account}@{FAR}")
    assert again == first
    assert "ada" not in by_account


@pytest.fixture
def limited(house):
    """The house with real limits, in which nothing comes back while a test runs."""
    house.limits = LeasedLimits(MemoryBuckets(clock=lambda: 0.0))
    house.build()
    return house


async def fail(house, peer, times=1):
    """Guess a password so often; return the last status."""
    return [(await sign_in(house, peer, **WRONG)).status for _ in range(times)][-1]


async def test_a_stranger_who_fails_ten_times_keeps_out_themselves_but_not_the_owner(limited, ada):
    assert await fail(limited, "198.51.100.7", 10) == 401
    assert await fail(limited, "198.51.100.7") == 429
    assert (await sign_in(limited, peer="198.51.100.7")).status == 429
    assert (await sign_in(limited)).status == 200


async def test_an_attack_from_many_networks_is_bounded_too(limited, ada):
    told = [await fail(limited, f"198.51.100.{n}", 5) for n in range(20)]
    assert told == [401] * 20
    assert await fail(limited, "203.0.113.77") == 429


async def test_whoever_knows_a_password_signs_in_thirty_times_at_once_and_no_more(limited, ada):
    told = [await sign_in(limited) for _ in range(31)]
    assert [one.status for one in told] == [200] * 30 + [429]
    assert told[-1].headers["Retry-After"]
    before = checks()
    assert (await sign_in(limited)).status == 429
    assert checks() == before


async def test_nor_do_many_networks_together_into_one_account(limited, ada):
    told = [(await sign_in(limited, peer=f"198.51.100.{n % 3}")).status for n in range(31)]
    assert told == [200] * 30 + [429]
    other = ADA | {"email": "eve@example.org"}
    assert (await limited.nobody.ask("POST", "/api/v1/auth/register", other, peer=FAR)).status == 201
    assert (await sign_in(limited, peer="198.51.100.1", email="eve@example.org")).status == 200


async def test_a_stolen_token_checks_no_more_passwords_than_that_either(limited, ada):
    headers = {"Authorization": f"Bearer {ada['access_token']}"}
    change = {"password": "battery staple", "current_password": "wrong horse"}
    told = [
        (await limited.nobody.ask("PATCH", "/api/v1/me", change, headers=headers, peer=FAR)).status
        for _ in range(11)
    ]
    assert told == [403] * 10 + [429]
    right = {"email": ADA["email"], "current_password": "correct horse"}
    peers = [f"198.51.100.{n}" for n in range(31)]
    told = [
        (await limited.nobody.ask("PATCH", "/api/v1/me", right, headers=headers, peer=peer)).status
        for peer in peers
    ]
    assert told == [200] * 30 + [429]


async def test_one_household_of_ipv6_is_one_stranger(limited, ada):
    assert [await fail(limited, f"2001:db8::{n}") for n in range(1, 12)] == [401] * 10 + [429]


@pytest.mark.parametrize("bucket", ["sign_in", "password", "sign_in_pair", "sign_in_account"])
async def test_too_many_attempts_are_429_before_any_password_is_checked(house, ada, bucket):
    house.limits.empty.add(bucket)
    before = checks()
    told = await sign_in(house)
    assert (told.status, told.headers["Retry-After"]) == (429, "7")
    assert checks() == before
