"""The WebVTT map of a storyboard (W3C WebVTT, Media Fragments URI 1.0). Pure."""

from collections.abc import Sequence

from actors.engines.pictures.storyboard import StoryboardPlan


def storyboard_map(plan: StoryboardPlan, sheet_names: Sequence[str]) -> str:
    """The cues of all tiles; each names its sheet and the rectangle on it."""
    width, height = plan.tile
    cues = (
        f"{timestamp(tile.start_seconds)} --> {timestamp(tile.end_seconds)}\n"
        f"{sheet_names[tile.sheet]}#xywh={tile.column * width},{tile.row * height},{width},{height}\n"
        for tile in plan.tiles
    )
    return "\n".join(["WEBVTT\n", *cues])


def timestamp(seconds: float) -> str:
    """`hh:mm:ss.ttt`, rounded to the nearest millisecond."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
