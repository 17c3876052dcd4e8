"""What of the settings would make a service unsafe, in words: for `truthtok doctor`. Pure."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import SplitResult, urlsplit

from deploy.key_lists import is_guessable
from deploy.keyring import KEY_LISTS
from deploy.settings import NEW_KEYS, Settings, SettingsError, described
from gateway.listening import is_loopback

LEAST_PASSWORD_COST: Final = 35 * 1024**2
"""Memory times passes: the lowest of the choices for argon2id in OWASP's Password Storage Cheat Sheet."""

Finding = tuple[bool, str]
"""Whether it is well, and the sentence."""


def key_findings(settings: Settings, *, is_distributed: bool) -> Iterator[Finding]:
    """Look at the keys: an embedded stack makes its own, the processes of others must share them."""
    seen: dict[bytes, str] = {}
    for field in KEY_LISTS:
        variable = described(field).variable
        if not getattr(settings, field):
            if is_distributed:
                yield False, f"{variable} is not set: give all processes the same ({NEW_KEYS})"
            continue
        try:
            keys = settings.keys(field)
        except SettingsError as error:
            yield False, str(error)
            continue
        trouble = next((f"is that of {seen[key]}, too" for key in keys if key in seen), "")
        if any(is_guessable(key) for key in keys):
            trouble = "can be guessed: it is no random number"
        count = f" ({len(keys) - 1} former behind it)" if len(keys) > 1 else ""
        yield (
            not trouble,
            f"a key of {variable} {trouble}; {NEW_KEYS}" if trouble else f"{variable} does{count}",
        )
        seen |= dict.fromkeys(keys, variable)


def exposure_findings(settings: Settings) -> Iterator[Finding]:
    """Look at what strangers could do."""
    if settings.password_memory_bytes * settings.password_passes < LEAST_PASSWORD_COST:
        yield (
            False,
            "stolen hashes of passwords are cheap to guess: raise TRUTHTOK_PASSWORD_MEMORY_BYTES or _PASSES",
        )
    if not is_public(settings):
        return
    if not settings.rate_limits:
        yield False, "TRUTHTOK_RATE_LIMITS=0: passwords can be tried as fast as the service answers"
    for field in ("api_url", "media_url"):
        if _parts(getattr(settings, field)).scheme == "http":
            yield False, f"{described(field).variable} is not https: passwords and tokens travel in the open"
    if settings.register_as != "nobody":
        yield True, f"whoever reaches the API may register as {settings.register_as} (TRUTHTOK_REGISTER_AS)"


def is_public(settings: Settings) -> bool:
    """Whether others than this machine can reach the service, as far as the settings tell."""
    if settings.api_url:
        return not is_loopback(_parts(settings.api_url).hostname or "")
    return settings.behind_proxy or not is_loopback(settings.host)


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # that it is no URL is told elsewhere
        return urlsplit("")
