"""How videos are encoded, from the settings."""

from dataclasses import replace

from actors.engines.encode import ChunkEncoder
from actors.engines.ladder_policy import LadderPolicy, codecs_of
from actors.engines.sandbox import Sandbox
from deploy.settings import Settings, SettingsError, described


def ladder_policy(settings: Settings) -> LadderPolicy:
    """Return which renditions videos get. Raises SettingsError for a codec that is none."""
    try:
        return LadderPolicy(codecs=codecs_of(settings.codecs))
    except ValueError as error:
        raise SettingsError(f"{described('codecs').variable}: {error}") from error


def chunk_encoder(settings: Settings, sandbox: Sandbox) -> ChunkEncoder:
    """Return what encodes chunks, and what it may use. Its other limits are those of the engine."""
    usual = ChunkEncoder(sandbox)
    return replace(
        usual,
        preset=settings.encode_preset,
        threads=settings.encode_threads,
        job_limits=replace(
            usual.job_limits,
            memory_bytes=settings.encode_memory_bytes,
            cpu_seconds=settings.encode_cpu_seconds,
            wall_seconds=settings.encode_wall_seconds,
        ),
    )
