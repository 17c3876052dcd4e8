"""What the settings say of encoding."""

from typing import Any

import pytest

from actors.engines.encoding.encode import ChunkEncoder
from actors.engines.ladder.policy import LadderPolicy
from actors.engines.sandbox.sandbox import Sandbox
from actors.transcoder import Effort
from deploy.encoding import chunk_encoder, effort, ladder_policy, segment_keys
from deploy.settings import Settings, SettingsError, read_settings
from deploy.stack import for_actors
from storage.segment_keys import NO_KEYS, SegmentKeys


def test_without_settings_everything_is_as_the_engines_have_it() -> None:
    box = Sandbox()
    assert ladder_policy(Settings()) == LadderPolicy()
    assert effort(Settings()) == Effort()
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
    assert effort(settings) == Effort(preset="medium", threads=3)
    assert (limits.memory_bytes, limits.cpu_seconds, limits.wall_seconds) == (2 << 30, 11, 12.5)


def test_a_rung_of_high_range_is_asked_for_by_its_codec() -> None:
    assert ladder_policy(read_settings({"TRUTHTOK_HDR": "av1"})).hdr == "av1"


@pytest.mark.parametrize("codec", ["h264", "yes", ""])
def test_a_codec_that_has_no_high_range_is_refused_by_name(codec: str) -> None:
    with pytest.raises(SettingsError, match="TRUTHTOK_HDR"):
        read_settings({"TRUTHTOK_HDR": codec or "HEVC"})


MASTER = "0123456789abcdef" * 4


def test_segments_are_encrypted_when_the_settings_say_so() -> None:
    on = segment_keys(Settings(segment_encryption="aes-128", master_keys=MASTER))
    assert on.newest_name == Settings(master_keys=MASTER).vault().newest_name.hex()
    assert segment_keys(Settings()) == NO_KEYS


def test_what_was_encrypted_is_gone_on_with_when_it_is_off() -> None:
    off = segment_keys(Settings(master_keys=MASTER))
    assert off == SegmentKeys(Settings(master_keys=MASTER).vault(), is_on=False)
    assert off.newest_name is None


def test_without_master_keys_segments_cannot_be_encrypted() -> None:
    with pytest.raises(SettingsError, match="TRUTHTOK_MASTER_KEYS"):
        segment_keys(Settings(segment_encryption="aes-128"))
    with pytest.raises(ValueError, match="without a vault"):
        SegmentKeys(is_on=True)


def test_a_way_to_encrypt_segments_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="TRUTHTOK_SEGMENT_ENCRYPTION"):
        read_settings({"TRUTHTOK_SEGMENT_ENCRYPTION": "sample-aes"})


@pytest.mark.parametrize("given", [{"encryption": "all"}, {"segment_encryption": "aes-128"}])
def test_actors_of_a_stack_get_the_master_keys_when_they_encrypt(given: dict[str, Any]) -> None:
    assert for_actors(Settings(master_keys=MASTER, **given)).master_keys == MASTER
    assert for_actors(Settings(master_keys=MASTER)).master_keys == ""
