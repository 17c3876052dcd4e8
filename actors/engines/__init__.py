"""The engines: what is done to media, and the only code that may touch libav.

Read in this order:

- `errors.py`: what can go wrong, and the sentence for each refusal
- the sandbox: `sandbox.py`, `sandbox_job.py`, `job_wire.py` (this side), `forkserver_process.py`,
  `forkserver.py`, `sandbox_child.py` (the other side)
- the probe: `probe.py`, over `media_file.py`, `header.py`, `first_picture.py` (which read) and
  `sniff.py`, `probe_limits.py`, `orientation.py`, `timing.py`, `hdr.py`, `location.py`,
  `recording_time.py` (which decide)
- the pictures: `thumbnails.py`, over `frame_source.py`, `upright.py`, `poster.py`, `storyboard_sheets.py`,
  `preview.py`, `picture_encode.py` (which work) and `sampling.py`, `frame_choice.py`, `storyboard.py`,
  `webvtt.py`, `picture_geometry.py`, `tone_map.py` (which decide)
"""
