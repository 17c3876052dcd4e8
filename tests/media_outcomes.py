"""Real clips with oddities, from projects that collect them, and the outcome of each.

The folder is not part of the repository: set TRUTHTOK_MEDIA_DIR to it, or put it beside the repository;
without it the tests that want it skip.
"""

import os
from pathlib import Path

FOLDER = Path(os.environ.get("TRUTHTOK_MEDIA_DIR", Path(__file__).parents[2] / "shared" / "media"))

# file -> WxH, format, codec, fps, turn (m: mirrored), HDR, audio codec; or the code of its refusal
EXPECTED = {
    "androidx__3gp__bbb_176x144_128kbps_15fps_h263.3gp": "176x144 3gp h263 15 0 - -",
    "androidx__avi__sample.avi": "960x400 avi mpeg4 24 0 - mp3",
    "androidx__flv__sample.flv": "1080x720 flv h264 30 0 - aac",
    "androidx__mkv__full_blocks.mkv": "no_video",
    "androidx__mkv__sample.mkv": "1080x720 mkv h264 30 0 - ac3",
    "androidx__mkv__sample_av1.mkv": "720x1280 mkv av1 30 0 hlg -",
    "androidx__mkv__subsample_encrypted_altref.webm": "encrypted",
    "androidx__mp4__8k24fps_300ms.mp4": "7680x4320 mp4 hevc 24 0 - aac",
    "androidx__mp4__bbb_800x640_768kbps_30fps_avc_2b_firstpts_10_sec.mp4": "1137x640 mp4 h264 30 0 - -",
    "androidx__mp4__bbb_800x640_768kbps_30fps_vp9.mp4": "1138x640 mp4 vp9 30 0 - -",
    "androidx__mp4__bt601.mov": "640x428 mov h264 29 0 - aac",
    "androidx__mp4__dolbyVision-hdr.MOV": "720x1280 mov hevc 30 90 hlg+dv aac",
    "androidx__mp4__hdr10-av1.mp4": "720x1280 mp4 av1 30 0 hdr10 aac",
    "androidx__mp4__hlg10-color-test.mp4": "1920x1080 mp4 hevc 30 0 hlg aac",
    "androidx__mp4__internal_emulator_transformer_output_180_rotated.mp4": "1280x720 mp4 h264 30 180 - aac",
    "androidx__mp4__internal_emulator_transformer_output_270_rotated.mp4": "720x1280 mp4 h264 30 270 - aac",
    "androidx__mp4__long_1080p_lowbitrate.mp4": "1920x1080 mp4 h264 30 0 - aac",
    "androidx__mp4__pixel-motion-photo-2-hevc-tracks.mp4": "768x1024 mp4 hevc 28 90 - -",
    "androidx__mp4__portrait_4k60.mp4": "2160x3840 mp4 h264 60 90 - aac",
    "androidx__mp4__sample.mp4": "1080x720 mp4 h264 30 0 - aac",
    "androidx__mp4__sample_ac4.mp4": "no_video",
    "androidx__mp4__sample_audio_only.mp4": "no_video",
    "androidx__mp4__sample_edit_list.mp4": "1080x1920 mov hevc 28 90 hlg+dv aac",
    "androidx__mp4__sample_fragmented.mp4": "1080x720 mp4 h264 30 0 - aac",
    "androidx__mp4__sample_malformed_free_box.mp4": "damaged",
    "androidx__mp4__sample_mdat_too_long.mp4": "1080x720 mp4 h264 30 0 - aac",
    "androidx__mp4__sample_portrait.mp4": "720x1080 mp4 h264 30 0 - aac",
    "androidx__mp4__sample_rotate_and_reflect.mp4": "720x1080 mp4 h264 30 270m - aac",
    "androidx__mp4__sample_sef_slow_motion.mp4": "320x240 mp4 h264 30 0 - aac",
    "androidx__mp4__sample_vvc.mp4": "320x180 mp4 vvc 24 0 - -",
    "androidx__mp4__sample_with_color_info.mp4": "1080x1920 mov hevc 30 90 hlg+dv aac",
    "androidx__mp4__water_180_mvhevc_5frames.mov": "1934x2160 mov hevc 90 0 - -",
    "androidx__ts__bbb_2500ms.ts": "1920x1080 mpegts mpeg2video 24 0 - mp2",
    "intel__asl_gestures__book.mkv": "640x480 mkv h264 30 0 - -",
    "intel__bottle-detection.mp4": "640x360 mp4 h264 30 0 - -",
    "intel__car-detection.mp4": "768x432 mp4 h264 12 0 - aac",
    "mdn__crystal.webm": "720x480 webm vp8 30 0 - vorbis",
    "mdn__elf.mp4": "720x480 mp4 h264 30 0 - aac",
    "mdn__rabbit.mp4": "720x480 mp4 h264 30 0 - aac",
    "mozilla__chunk_out_of_range.mp4": "damaged",
    "mozilla__no_timescale.mp4": "320x240 mp4 h264 30 0 - -",
    "mozilla__zero_empty_stsc.mp4": "damaged",
    "pytorch__h265_video.mp4": "128x128 mp4 hevc 10 0 - -",
    "pytorch__nasa_13013.mp4": "320x180 mp4 h264 25 0 - aac",
    "whisper__jfk.flac": "no_video",
}
