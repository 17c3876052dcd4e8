"""What a clip may cost, judged from its header before a picture is decoded."""

from dataclasses import dataclass

from actors.engines.errors import BadMedia, Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeLimits:
    """The largest clip that is accepted.

    A 200 kB file can announce 8192 x 8192 at 60 fps and cost seconds per second of picture, so the product
    of size, rate and length is bounded as well.
    """

    max_side_px: int = 8192
    max_picture_px: int = 8192 * 4352
    max_duration_seconds: float = 3 * 3600.0
    max_clip_px: float = 1.5e12
    """All pictures together: three hours of 1080p60, or 50 minutes of 4K at 60 fps."""


def check_picture(width_px: int, height_px: int, limits: ProbeLimits) -> None:
    """Raise BadMedia for a stored picture that is missing or too large."""
    if width_px <= 0 or height_px <= 0:
        raise BadMedia(Refusal.DAMAGED, "the header gives no picture size")
    if max(width_px, height_px) > limits.max_side_px or width_px * height_px > limits.max_picture_px:
        raise BadMedia(Refusal.TOO_LARGE_PICTURE, f"{width_px}x{height_px}")


def check_length(duration_seconds: float, limits: ProbeLimits) -> None:
    """Raise BadMedia for a clip that plays too long."""
    if duration_seconds > limits.max_duration_seconds:
        raise BadMedia(Refusal.TOO_LONG, f"{duration_seconds:.0f} s")


def check_cost(picture_px: int, pictures: float, limits: ProbeLimits) -> None:
    """Raise BadMedia when all pictures together are too many pixels."""
    if picture_px * pictures > limits.max_clip_px:
        raise BadMedia(Refusal.TOO_MUCH_PICTURE, f"{picture_px} px x {pictures:.0f} pictures")
