"""Somebody with an account, as they speak to a stack."""

import subprocess
import sys
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

import httpx2

from deploy.client import Client
from tests.e2e.conftest import PASSWORD, ROOT, Stack, bearer


@dataclass
class Person:
    """Their tokens as they were told last."""

    stack: Stack
    http: httpx2.AsyncClient
    id: str
    email: str
    access: str
    refresh_token: str

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        """Ask the API."""
        return await self.http.request(
            method, self.stack.api + path, json=body, headers={**bearer(self.access), **headers}
        )

    async def refresh(self) -> httpx2.Response:
        """Use the refresh token, and keep what comes for it."""
        answer = await post(
            self.stack, self.http, "/api/v1/auth/refresh", {"refresh_token": self.refresh_token}
        )
        if answer.status_code == 200:
            self.access, self.refresh_token = answer.json()["access_token"], answer.json()["refresh_token"]
        return answer

    async def announce(self, size_bytes: int = 1000) -> httpx2.Response:
        """Begin an upload at the media plane, by tus."""
        filename = b64encode(b"a.mp4").decode()
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(size_bytes),
            "Upload-Metadata": f"filename {filename},filetype {b64encode(b'video/mp4').decode()}",
        }
        return await self.http.post(f"{self.stack.media}/uploads", headers={**bearer(self.access), **headers})

    @property
    def client(self) -> Client:
        """Uploads on their behalf."""
        return Client(self.stack.api, self.http, self.access)


async def post(stack: Stack, http: httpx2.AsyncClient, path: str, body: Any) -> httpx2.Response:
    """Ask as nobody."""
    return await http.post(stack.api + path, json=body)


async def register(stack: Stack, http: httpx2.AsyncClient, name: str) -> Person:
    """Make an account."""
    email = f"{name}@example.org"
    said = {"email": email, "password": PASSWORD, "name": name.title()}
    answer = await post(stack, http, "/api/v1/auth/register", said)
    assert answer.status_code == 201, answer.text
    return told(stack, http, answer)


async def login(stack: Stack, http: httpx2.AsyncClient, email: str) -> Person:
    """Sign in."""
    answer = await post(stack, http, "/api/v1/auth/login", {"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return told(stack, http, answer)


def told(stack: Stack, http: httpx2.AsyncClient, answer: httpx2.Response) -> Person:
    """The person of an answer to a sign-in."""
    said = answer.json()
    user = said["user"]
    return Person(stack, http, user["id"], user["email"], said["access_token"], said["refresh_token"])


async def administrator(stack: Stack, http: httpx2.AsyncClient, name: str) -> Person:
    """The administrator that the operator makes on the command line."""
    email = f"{name}@example.org"
    made = operator(stack, "users", "create", "--email", email, "--role", "admin", said=f"{PASSWORD}\n")
    assert made.returncode == 0, made.stderr
    return await login(stack, http, email)


def operator(stack: Stack, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command on a stack's data directory."""
    command = [sys.executable, "-m", "deploy.cli", *arguments, "--data", str(stack.data)]
    return subprocess.run(
        command, cwd=ROOT, input=said, capture_output=True, text=True, timeout=60, check=False
    )
