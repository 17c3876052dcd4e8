"""The engines: what is done to media, and the only code that may touch libav.

Rooms in the order in which a clip comes through them; what goes wrong in any is in `errors.py`:

- `sandbox`: one limited child process per job, for libav never reads strangers' bytes in a process of ours
- `clip`: what a clip is: header, times, first picture, faults
- `pictures`: posters, storyboard, preview, frames
- `ladder`: which renditions it gets, on which timeline, in which passes and orders
- `sound`: its tracks of sound, copied or encoded
- `encoding`: from source frames to the segments of every rung
- `cmaf`: segments taken apart, put together, encrypted, joined to renditions
- `packaging`: the playlists and manifests that players read

A job has two halves: `thing.py` is the request, the answer and the adapter that asks a child; `thing_job.py`
runs in the child. Modules that decide are pure and say so.
"""
