"""Shows one video's journey on a terminal: a bar per stage, then what was learned."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from deploy.client import Client, Event
from subjects.stage import JOURNEY

TERMINAL: Final = frozenset({"video.ready", "video.rejected", "video.failed"})
TERMINAL_STATUSES: Final = frozenset({"ready", "rejected", "failed"})
PLAYABLE: Final = "playable"
"""No stage, but what most people wait for: its bar is full at once."""
DONE_BY: Final = {stage.done.name: stage.name for stage in JOURNEY}


@dataclass(slots=True)
class JourneyView:
    """A bar per stage. On a terminal they move; elsewhere a line is printed as each stage ends."""

    console: Console
    progress: Progress = field(init=False)
    bars: dict[str, TaskID] = field(default_factory=dict)
    last_byte_at: float = 0.0
    ended: dict[str, float] = field(default_factory=dict)
    """Seconds from the last uploaded byte to the end of each stage, as this client saw it."""

    def __post_init__(self) -> None:
        columns = (
            TextColumn("  {task.description:<12}"),
            BarColumn(bar_width=32),
            TextColumn("{task.percentage:>3.0f} % {task.fields[note]}"),
        )
        self.progress = Progress(*columns, console=self.console, disable=not self.console.is_terminal)

    def begin(self) -> None:
        """Draw the empty bars."""
        for name in ("upload", *(stage.name for stage in JOURNEY), PLAYABLE):
            self.bars[name] = self.progress.add_task(name, total=1.0, note="")

    def uploaded(self, fraction: float) -> None:
        """Move the bar of the upload; the clock of the stages starts at its end."""
        self.progress.update(self.bars["upload"], completed=fraction)
        if fraction >= 1.0 and not self.last_byte_at:
            self.last_byte_at = time.monotonic()
            self._line("upload", "every byte sent")

    def saw(self, event: Event) -> bool:
        """Move the bars for an event and say whether the journey is over."""
        data = event.data
        if event.name == "stage.progressed" and data.get("stage") in self.bars:
            note = str(data.get("note", ""))[:40]
            self.progress.update(self.bars[data["stage"]], completed=data.get("fraction", 0.0), note=note)
        elif event.name in DONE_BY:
            self._end(DONE_BY[event.name], "done")
        elif event.name == "video.playable":
            self._end(PLAYABLE, "a player can start")
        elif event.name == "stage.skipped":
            self._end(data["stage"], f"skipped: {data.get('reason')}")
        elif event.name in ("video.rejected", "video.failed"):
            self._end(data["stage"], f"{event.name.partition('.')[2]}: {data.get('code')}")
        elif event.name == "video":  # where the video stood when the stream was opened
            return data.get("status") in TERMINAL_STATUSES
        return event.name in TERMINAL

    def _end(self, stage: str, note: str) -> None:
        if stage in self.ended:
            return
        self.ended[stage] = time.monotonic() - self.last_byte_at
        if stage in self.bars:
            note = f"{note} after {self.ended[stage]:.2f} s"
            self.progress.update(self.bars[stage], completed=1.0, note=note)
            self._line(stage, note)

    def _line(self, stage: str, note: str) -> None:
        if not self.console.is_terminal:
            self.console.print(f"  {stage:<12} {note}")


async def show_result(console: Console, client: Client, video_id: str, pictures: Path | None) -> bool:
    """Print what was learned of a video; save its poster below `pictures` if given. True when it is ready."""
    video, playback = await client.video(video_id), await client.playback(video_id)
    shown = facts(video)
    if pictures is not None and playback.get("poster"):
        poster = pictures / f"{video_id}-poster.jpg"
        poster.parent.mkdir(parents=True, exist_ok=True)
        poster.write_bytes((await client.http.get(playback["poster"], follow_redirects=True)).content)
        shown["poster file"] = str(poster)
    urls = ("hls", "dash", "original", "poster", "preview", "storyboard", "storyboard_vtt")
    shown |= {name: str(playback[name]) for name in urls if playback.get(name)}
    for name, value in shown.items():
        console.print(f"  {name:<16} {value}", soft_wrap=True, markup=False)
    return bool(video["status"] == "ready")


def facts(video: dict[str, Any]) -> dict[str, str]:
    """Return what is worth printing of a video, in words."""
    shown = {"video": video["id"], "status": video["status"]}
    if video.get("rejection"):
        shown["why"] = f"{video['rejection']['code']}: {video['rejection']['detail']}"
    shown |= {f"{one['name']} error": one["error"] for one in video["stages"] if one.get("error")}
    warnings = video.get("warnings", ())
    shown |= {f"warning {number}": one["detail"] for number, one in enumerate(warnings, 1)}
    if metadata := video.get("metadata"):
        shown["picture"] = "{width} x {height}, {fps:g} fps, {codec}".format(**metadata)
        shown["length"] = f"{metadata['duration']:.2f} s, {metadata['size']:,} bytes, {metadata['format']}"
        shown["shape"] = f"turned {metadata['rotation']} degrees, {metadata['hdr'] or 'SDR'}"
        audio = metadata["audio"]
        shown["sound"] = "{codec}, {channels} ch, {sample_rate} Hz".format(**audio) if audio else "none"
    if place := video.get("location"):
        shown["place"] = (
            f"{place['lat']:.4f}, {place['lng']:.4f} (by {place['source']}), cell {video['h3_cell']}"
        )
    if video.get("recorded_at"):
        shown["recorded"] = video["recorded_at"]
    return shown
