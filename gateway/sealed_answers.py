"""Answers to idempotency keys that hold a secret, such as a token: sealed before they are kept."""

from dataclasses import dataclass
from uuid import UUID

from msgspec.structs import replace

from storage.ports import Idempotency
from storage.records import Answer, Claim
from storage.sealing import WRAPPED_BYTES, Vault, seal, unseal


@dataclass(frozen=True, slots=True)
class SealedAnswers:
    """Idempotency keys whose answers' bodies are sealed under a key of their own."""

    keys: Idempotency
    vault: Vault

    async def claim(self, user_id: UUID, key: str, fingerprint: str, resource_id: UUID) -> Claim:
        """Claim a key; an answer comes back as it was given. Raises SealBrokenError."""
        claim = await self.keys.claim(user_id, key, fingerprint, resource_id)
        if claim.answer is None:
            return claim
        wrapped, sealed = claim.answer.body[:WRAPPED_BYTES], claim.answer.body[WRAPPED_BYTES:]
        context = _context(user_id, key)
        body = unseal(self.vault.unwrap(wrapped, context), sealed, context)
        return replace(claim, answer=replace(claim.answer, body=body))

    async def answer(self, user_id: UUID, key: str, answer: Answer) -> None:
        """Keep the answer, sealed."""
        context = _context(user_id, key)
        data_key, wrapped = self.vault.new_data_key(context)
        await self.keys.answer(
            user_id, key, replace(answer, body=wrapped + seal(data_key, answer.body, context))
        )

    async def release(self, user_id: UUID, key: str) -> None:
        """Let go of a claim."""
        await self.keys.release(user_id, key)


def _context(user_id: UUID, key: str) -> bytes:
    return b"answer\x00" + user_id.bytes + key.encode()
