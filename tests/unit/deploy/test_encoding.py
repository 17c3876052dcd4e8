"""What the settings say of encoding."""

import pytest

from actors.engines.encode import ChunkEncoder
from actors.engines.ladder_policy import LadderPolicy
from actors.engines.sandbox import Sandbox
from deploy.encoding import chunk_encoder, ladder_policy
from deploy.settings import Settings, SettingsError, read_settings


def test_without_settings_everything_is_as_the_engines_have_it() -> None:
    box = Sandbox()
    assert ladder_policy(Settings()) == LadderPolicy()
    assert chunk_encoder(Settings(), box) == ChunkEncoder(box)


def test_codecs_are_given_as_a_list() -> None:
    settings = read_settings({"TRUTHTOK_CODECS": "h264, av1"})
    assert ladder_policy(settings).codecs == ("h264", "av1")


@pytest.mark.parametrize("codecs", [",", "h264,theora"])
def test_a_codec_that_is_none_is_refused_by_name(codecs: str) -> None:
    with pytest.raises(SettingsError, match="TRUTHTOK_CODECS: not a codec"):
        ladder_policy(Settings(codecs=codecs))


def test_a_preset_that_x264_does_not_have_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="TRUTHTOK_ENCODE_PRESET"):
        read_settings({"TRUTHTOK_ENCODE_PRESET": "hasty"})


def test_what_a_chunk_may_use_is_set() -> None:
    settings = read_settings(
        {
            "TRUTHTOK_ENCODE_PRESET": "medium",
            "TRUTHTOK_ENCODE_THREADS": "3",
            "TRUTHTOK_ENCODE_MEMORY_BYTES": str(2 << 30),
            "TRUTHTOK_ENCODE_CPU_SECONDS": "11",
            "TRUTHTOK_ENCODE_WALL_SECONDS": "12.5",
        }
    )
    made = chunk_encoder(settings, Sandbox())
    limits = made.job_limits
    assert (made.preset, made.threads) == ("medium", 3)
    assert (limits.memory_bytes, limits.cpu_seconds, limits.wall_seconds) == (2 << 30, 11, 12.5)
