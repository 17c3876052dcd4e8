import asyncpg
import pytest

from storage.errors import StorageUnavailableError
from storage.postgres.failures import mapped_failures

OUTAGES = [
    ConnectionRefusedError("refused"),
    ConnectionResetError("reset"),
    TimeoutError(),
    asyncpg.AdminShutdownError("terminating connection"),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    asyncpg.CrashShutdownError("crash of another server process"),
    asyncpg.DeadlockDetectedError("deadlock"),
    asyncpg.DiskFullError("full"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
    asyncpg.InterfaceError("pool is closing"),
    asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
    asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
    asyncpg.TooManyConnectionsError("too many clients"),
]
MISTAKES = [
    ValueError("a value"),
    asyncpg.CheckViolationError("check"),
    asyncpg.DataError("invalid input for query argument"),
    asyncpg.ForeignKeyViolationError("reference"),
    asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
    asyncpg.InvalidPasswordError("password"),
    asyncpg.UndefinedTableError("nothing"),
]


@pytest.mark.parametrize("error", OUTAGES, ids=repr)
def test_an_outage_is_unavailable_and_keeps_its_cause(error: Exception) -> None:
    with pytest.raises(StorageUnavailableError) as raised, mapped_failures():
        raise error
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("error", MISTAKES, ids=repr)
def test_a_mistake_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, mapped_failures():
        raise error
    assert raised.value is error
