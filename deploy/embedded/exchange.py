"""The shortest honest question to a server on loopback, for readiness."""

import asyncio

_TIMEOUT_SECONDS = 2.0


async def answers(port: int, question: bytes, expected: bytes) -> bool:
    """Whether `expected` is in what the server at `port` says to `question`; False on any failure."""
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return await _ask(port, question, expected)
    except (OSError, TimeoutError):
        return False


async def _ask(port: int, question: bytes, expected: bytes) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(question)
        await writer.drain()
        answer = b""
        while expected not in answer and (part := await reader.read(4096)):
            answer += part
        return expected in answer
    finally:
        writer.close()
