"""How videos are encoded, and what their segments are encrypted with, from the settings."""

from dataclasses import replace

from actors.engines.encoding.encode import ChunkEncoder
from actors.engines.ladder.policy import LadderPolicy, codecs_of
from actors.engines.sandbox.sandbox import Sandbox
from actors.transcoder import Effort
from deploy.settings import Settings, SettingsError, described
from storage.segment_keys import SegmentKeys


def ladder_policy(settings: Settings) -> LadderPolicy:
    """Return which renditions videos get. Raises SettingsError for a codec that is none."""
    try:
        return LadderPolicy(codecs=codecs_of(settings.codecs), hdr=settings.hdr)
    except ValueError as error:
        raise SettingsError(f"{described('codecs').variable}: {error}") from error


def effort(settings: Settings) -> Effort:
    """Return how much is put into encoding what is planned from now on."""
    return Effort(preset=settings.encode_preset, threads=settings.encode_threads)


def chunk_encoder(settings: Settings, sandbox: Sandbox) -> ChunkEncoder:
    """Return what encodes chunks, and what it may use. Its other limits are those of the engine."""
    usual = ChunkEncoder(sandbox)
    return replace(
        usual,
        job_limits=replace(
            usual.job_limits,
            memory_bytes=settings.encode_memory_bytes,
            cpu_seconds=settings.encode_cpu_seconds,
            wall_seconds=settings.encode_wall_seconds,
        ),
    )


def segment_keys(settings: Settings) -> SegmentKeys:
    """Return the keys of segments. Raises SettingsError when some are needed and there are no master keys."""
    is_on = settings.segment_encryption != "none"
    return SegmentKeys(settings.vault() if is_on or settings.master_keys else None, is_on)
