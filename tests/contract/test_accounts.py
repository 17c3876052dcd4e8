"""The contract of Accounts, for the twin and for Postgres."""

import asyncio
from uuid import UUID, uuid4

import pytest

from storage.bundle import Storage
from storage.errors import EmailTakenError
from storage.identity_ports import Accounts
from storage.identity_records import Account, AccountChanges, Credentials
from tests.contract.identity_values import EMAIL, HASH, new_account, register
from tests.contract.storage_values import NOW, OWNER, news

OTHER_HASH = HASH.replace("aGFzaA", "b3RoZXI")


@pytest.fixture
def accounts(storage: Storage) -> Accounts:
    return storage.accounts


@pytest.mark.parametrize("email", [EMAIL, "wörld@exämple.org", "x" * 300 + "@example.org"])
@pytest.mark.parametrize("name", ["Rain", "雨 🌧", "n" * 200])
async def test_a_created_account_is_found_as_it_was_said(accounts: Accounts, email: str, name: str) -> None:
    account = new_account(email=email, name=name, role="moderator")
    assert await accounts.create(account) is True
    kept = Account(id=account.id, email=email, name=name, role="moderator", created_at=NOW, updated_at=NOW)
    assert await accounts.find(account.id) == kept
    assert await accounts.find_credentials(email) == Credentials(account=kept, password_hash=HASH)
    assert await accounts.find_password(account.id) == HASH
    assert type((await accounts.page(None, 10))[-1].id) is UUID


async def test_text_that_no_database_holds_is_kept_with_replacements(accounts: Accounts) -> None:
    account = new_account(email="a\x00\ud800@example.org", name="\udfffRain\x00")
    await accounts.create(account)
    found = await accounts.find(account.id)
    assert found is not None
    assert (found.email, found.name) == ("a��@example.org", "�Rain�")
    assert (await accounts.find_credentials(account.email)) is not None


async def test_an_unknown_account_answers_nothing(accounts: Accounts) -> None:
    nobody = uuid4()
    assert await accounts.find(nobody) is None
    assert await accounts.find_credentials(EMAIL) is None
    assert await accounts.find_password(nobody) is None
    assert await accounts.replace_password(nobody, HASH, OTHER_HASH) is False
    assert await accounts.edit(nobody, AccountChanges(name="x")) is None
    assert await accounts.set_role(nobody, "admin") is None


async def test_the_local_account_has_neither_email_nor_password(accounts: Accounts) -> None:
    local = await accounts.find(OWNER)
    assert local is not None
    assert (local.email, local.name, local.role) == ("", "", "creator")
    assert await accounts.find_password(OWNER) is None
    assert await accounts.find_credentials("") is None


async def test_the_local_account_can_be_given_a_name_an_email_and_a_password(accounts: Accounts) -> None:
    named = await accounts.edit(OWNER, AccountChanges(name="The operator"))
    assert named is not None
    assert (named.email, named.name) == ("", "The operator")
    addressed = await accounts.edit(OWNER, AccountChanges(email=EMAIL))
    assert addressed is not None
    assert (addressed.email, addressed.name) == (EMAIL, "The operator")
    assert await accounts.find_credentials(EMAIL) is None
    await accounts.edit(OWNER, AccountChanges(password_hash=HASH))
    assert await accounts.find_credentials(EMAIL) is not None


@pytest.mark.parametrize(
    "same",
    [EMAIL, "rain@example.org", " RAIN@EXAMPLE.ORG ", "\N{FULLWIDTH LATIN CAPITAL LETTER R}ain@example.org"],
)
async def test_an_email_belongs_to_one_account_whatever_its_case(accounts: Accounts, same: str) -> None:
    account = new_account()
    await accounts.create(account)
    assert await accounts.create(new_account(email=same)) is False
    credentials = await accounts.find_credentials(same)
    assert credentials is not None
    assert (credentials.account.id, credentials.account.email) == (account.id, EMAIL)


async def test_creating_a_known_account_changes_nothing(accounts: Accounts) -> None:
    account = new_account()
    await accounts.create(account)
    assert await accounts.create(new_account(id=account.id, name="Another")) is True
    assert await accounts.create(new_account(id=account.id, email="other@example.org")) is True
    found = await accounts.find(account.id)
    assert found is not None
    assert (found.name, found.email) == ("Rain", EMAIL)
    assert await accounts.find_credentials("other@example.org") is None


async def test_of_many_who_register_one_email_at_once_exactly_one_does(accounts: Accounts) -> None:
    everybody = [new_account(email=email) for email in (EMAIL, EMAIL.lower()) * 5]
    made = await asyncio.gather(*(accounts.create(account) for account in everybody))
    assert sorted(made) == [False] * 9 + [True]
    credentials = await accounts.find_credentials(EMAIL)
    assert credentials is not None
    assert credentials.account.id == everybody[made.index(True)].id


async def test_a_registration_repeated_at_once_succeeds_every_time_and_makes_one_account(
    storage: Storage,
) -> None:
    account = new_account()
    before = len(await storage.accounts.page(None, 50))
    assert await asyncio.gather(*(storage.accounts.create(account) for _ in range(5))) == [True] * 5
    assert len(await storage.accounts.page(None, 50)) == before + 1


async def test_an_edit_changes_what_it_names(storage: Storage, accounts: Accounts) -> None:
    user_id = await register(storage, email=EMAIL)
    edited = await accounts.edit(user_id, AccountChanges(name="Storm"))
    assert edited is not None
    assert (edited.email, edited.name, edited.created_at) == (EMAIL, "Storm", NOW)
    assert edited.updated_at > NOW
    assert await accounts.find(user_id) == edited
    assert await accounts.find_password(user_id) == HASH
    await accounts.edit(user_id, AccountChanges(password_hash=OTHER_HASH))
    assert await accounts.find_password(user_id) == OTHER_HASH
    found = await accounts.find(user_id)
    assert found is not None
    assert (found.email, found.name) == (EMAIL, "Storm")


async def test_a_changed_email_frees_the_old_one(storage: Storage, accounts: Accounts) -> None:
    user_id = await register(storage, email=EMAIL)
    edited = await accounts.edit(user_id, AccountChanges(email="storm@example.org"))
    assert edited is not None
    assert (edited.email, edited.name) == ("storm@example.org", "Rain")
    assert await accounts.find_credentials(EMAIL) is None
    credentials = await accounts.find_credentials("Storm@example.org")
    assert credentials is not None
    assert credentials.account == edited
    assert await accounts.create(new_account()) is True


async def test_an_email_can_be_written_otherwise_by_its_owner(storage: Storage, accounts: Accounts) -> None:
    user_id = await register(storage, email=EMAIL)
    edited = await accounts.edit(user_id, AccountChanges(email=EMAIL.upper()))
    assert edited is not None
    assert edited.email == EMAIL.upper()


async def test_an_email_that_another_account_has_changes_nothing(
    storage: Storage, accounts: Accounts
) -> None:
    await register(storage, email=EMAIL)
    user_id = await register(storage, email="storm@example.org")
    with pytest.raises(EmailTakenError):
        await accounts.edit(user_id, AccountChanges(email="rain@EXAMPLE.org", name="Thief"))
    found = await accounts.find(user_id)
    assert found is not None
    assert (found.email, found.name) == ("storm@example.org", "Rain")
    assert await accounts.edit(uuid4(), AccountChanges(email=EMAIL)) is None


async def test_of_many_who_take_one_email_at_once_exactly_one_gets_it(
    storage: Storage, accounts: Accounts
) -> None:
    everybody = [await register(storage) for _ in range(5)]
    edits = [accounts.edit(user_id, AccountChanges(email=EMAIL)) for user_id in everybody]
    created = accounts.create(new_account())
    *edited, made = await asyncio.gather(*edits, created, return_exceptions=True)
    winners = [outcome for outcome in edited if isinstance(outcome, Account)]
    assert len(winners) + (made is True) == 1
    assert all(isinstance(outcome, Account | EmailTakenError) for outcome in edited)


async def test_two_who_swap_emails_at_once_end_and_each_has_one(storage: Storage, accounts: Accounts) -> None:
    one = await register(storage, email="one@example.org")
    two = await register(storage, email="two@example.org")
    swaps = [
        accounts.edit(user_id, AccountChanges(email=email))
        for user_id, email in [(one, "two@example.org"), (two, "one@example.org")] * 3
    ]
    outcomes = await asyncio.gather(*swaps, return_exceptions=True)
    assert all(isinstance(outcome, EmailTakenError) for outcome in outcomes)


async def test_edits_at_once_of_different_things_all_stand(storage: Storage, accounts: Accounts) -> None:
    user_id = await register(storage)
    changes = [
        AccountChanges(email="storm@example.org"),
        AccountChanges(name="Storm"),
        AccountChanges(password_hash=OTHER_HASH),
    ]
    await asyncio.gather(*(accounts.edit(user_id, change) for change in changes))
    credentials = await accounts.find_credentials("storm@example.org")
    assert credentials is not None
    assert (credentials.account.name, credentials.password_hash) == ("Storm", OTHER_HASH)


async def test_a_password_is_replaced_unless_it_was_changed_in_between(
    storage: Storage, accounts: Accounts
) -> None:
    user_id = await register(storage)
    before = await accounts.find(user_id)
    assert await accounts.replace_password(user_id, HASH, OTHER_HASH) is True
    assert await accounts.replace_password(user_id, HASH, "$argon2id$late") is False
    assert await accounts.find_password(user_id) == OTHER_HASH
    assert await accounts.find(user_id) == before


async def test_a_role_is_given(storage: Storage, accounts: Accounts) -> None:
    user_id = await register(storage)
    made = await accounts.set_role(user_id, "admin")
    assert made is not None
    assert (made.role, made.updated_at > NOW) == ("admin", True)
    assert await accounts.find(user_id) == made


async def test_pages_of_accounts_join_without_gap_or_repetition(storage: Storage) -> None:
    made = {await register(storage) for _ in range(5)}
    seen: list[UUID] = []
    after: UUID | None = None
    while page := await storage.accounts.page(after, 2):
        assert len(page) <= 2
        seen += [account.id for account in page]
        after = page[-1].id
    assert seen == sorted(seen)
    assert made < set(seen)
    assert OWNER in seen


async def test_a_closed_account_is_invisible_and_its_email_is_free(
    storage: Storage, accounts: Accounts
) -> None:
    user_id = await register(storage, email=EMAIL)
    assert await storage.departures.close(user_id, news("account.closed"))
    assert await accounts.find(user_id) is None
    assert await accounts.find_credentials(EMAIL) is None
    assert await accounts.find_password(user_id) is None
    assert await accounts.replace_password(user_id, HASH, OTHER_HASH) is False
    assert await accounts.edit(user_id, AccountChanges(name="Ghost")) is None
    assert await accounts.set_role(user_id, "admin") is None
    assert user_id not in [account.id for account in await accounts.page(None, 50)]
    assert await accounts.create(new_account()) is True


async def test_nothing_is_left_to_rewrap_under_the_newest_key(storage: Storage) -> None:
    await register(storage)
    assert await storage.accounts.rewrap(10) == 0
