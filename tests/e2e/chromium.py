"""A headless Chromium, driven by the DevTools protocol over its own stdin and stdout."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from deploy import leash

LONGEST_MESSAGE_BYTES = 64 * 1024**2
WAIT_SECONDS = 30.0
# The protocol is on the descriptors 3 and 4; what the browser prints itself must not come in between.
PIPED = 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null'
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # a container's root has no other way
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-pipe",
)


@dataclass
class Browser:
    """Sends commands and matches what is answered."""

    process: asyncio.subprocess.Process
    ids: Any = field(default_factory=lambda: count(1))
    waiting: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    """Whatever the pages threw or logged."""

    async def ask(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Return the result of a command."""
        number, future = next(self.ids), asyncio.get_running_loop().create_future()
        told = {
            "id": number,
            "method": method,
            "params": params,
            **({"sessionId": session} if session else {}),
        }
        self.waiting[number] = future
        assert self.process.stdin
        self.process.stdin.write(json.dumps(told).encode() + b"\0")
        async with asyncio.timeout(WAIT_SECONDS):
            answer = await future
        assert "error" not in answer, (method, answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    async def listen(self) -> None:
        """Take what the browser says until it is gone."""
        assert self.process.stdout
        while True:
            try:
                message = json.loads((await self.process.stdout.readuntil(b"\0"))[:-1])
            except asyncio.IncompleteReadError:
                break
            future = self.waiting.pop(message.get("id", 0), None)
            if future is not None and not future.done():
                future.set_result(message)
            elif message.get("method") in {"Runtime.exceptionThrown", "Runtime.consoleAPICalled"}:
                self.complaints.append(json.dumps(message["params"])[:500])
        for future in self.waiting.values():
            if not future.done():
                future.set_exception(ConnectionError("the browser is gone"))

    async def open(self, url: str) -> "Page":
        """Open a page and wait until it is loaded."""
        target = (await self.ask("Target.createTarget", url="about:blank"))["targetId"]
        session = (await self.ask("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = Page(self, session)
        for domain in ("Runtime", "Page"):
            await self.ask(f"{domain}.enable", session)
        await self.ask("Page.navigate", session, url=url)
        await page.until("document.readyState === 'complete' && location.href !== 'about:blank'")
        return page


@dataclass
class Page:
    """A page in a browser."""

    browser: Browser
    session: str

    async def value(self, expression: str) -> Any:
        """Return what an expression is; a promise's value when it is one."""
        result = await self.browser.ask(
            "Runtime.evaluate", self.session, expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, (expression, result["exceptionDetails"])
        return result["result"].get("value")

    async def until(self, expression: str, seconds: float = WAIT_SECONDS) -> None:
        """Wait until an expression holds."""
        try:
            async with asyncio.timeout(seconds):
                while not await self.value(expression):
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            state = await self.value("window.state ? window.state() : document.title")
            raise AssertionError(f"never {expression}: {state} {self.browser.complaints}") from error


@asynccontextmanager
async def running_chromium(binary: str, directory: Path) -> AsyncIterator[Browser]:
    """Run a browser for the body. `directory`: an existing one for its profile and its log."""
    tied = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(int(signal.SIGKILL)), "-"]
    with (directory / "chromium.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *tied, "/bin/sh", "-c", PIPED, "sh", binary, *FLAGS, f"--user-data-dir={directory / 'profile'}",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
            limit=LONGEST_MESSAGE_BYTES,
        )  # fmt: skip
    browser = Browser(process)
    listening = asyncio.create_task(browser.listen())
    try:
        yield browser
    finally:
        with suppress(ConnectionError):
            await browser.ask("Browser.close")
        await listening
        await process.wait()
