"""Where a clip was made, from its container's tags."""

import re
from collections.abc import Mapping

from subjects.media import Location

_KEYS = ("com.apple.quicktime.location.iso6709", "location", "location-eng", "xyz", "©xyz")
# ISO 6709, annex H: degrees, degrees and minutes, or degrees, minutes and seconds, all with a sign.
_POINT = re.compile(
    r"(?P<lat>[+-]\d{2,6}(?:\.\d{1,12})?)(?P<lng>[+-]\d{3,7}(?:\.\d{1,12})?)(?=$|[+\-/C])", re.ASCII
)
_LAT_DEGREE_DIGITS = 2
_LNG_DEGREE_DIGITS = 3
_MAX_LAT, _MAX_LNG = 90.0, 180.0


def find_location(tags: Mapping[str, str]) -> Location | None:
    """The point that the tags name, if one does; keys are compared without case."""
    lowered = {key.lower(): value for key, value in tags.items()}
    points = (parse_point(lowered[key]) for key in _KEYS if key in lowered)
    point = next((point for point in points if point is not None), None)
    return Location(lat=point[0], lng=point[1], source="container") if point else None


def parse_point(text: str) -> tuple[float, float] | None:
    """Latitude and longitude in degrees of an ISO 6709 point, or None. Altitude is not kept."""
    match = _POINT.match(text.strip())
    if match is None:
        return None
    lat = _degrees(match["lat"], _LAT_DEGREE_DIGITS)
    lng = _degrees(match["lng"], _LNG_DEGREE_DIGITS)
    if lat is None or lng is None or abs(lat) > _MAX_LAT or abs(lng) > _MAX_LNG:
        return None
    # Cameras without a fix write zeros; nobody films on that buoy.
    return (lat, lng) if (lat, lng) != (0.0, 0.0) else None


def _degrees(text: str, degree_digits: int) -> float | None:
    """Decimal degrees of a signed coordinate whose digits may hold minutes and seconds."""
    sign, digits = (-1.0 if text[0] == "-" else 1.0), text[1:]
    whole, _, fraction = digits.partition(".")
    sixtieths, odd = divmod(len(whole) - degree_digits, 2)
    if odd:
        return None
    last = whole[degree_digits + 2 * (sixtieths - 1) :] if sixtieths else whole
    value = float(f"{last}.{fraction or 0}")
    if sixtieths and value >= 60:  # noqa: PLR2004 - minutes and seconds
        return None
    if sixtieths == 2:  # noqa: PLR2004 - degrees, minutes, seconds
        value = int(whole[degree_digits : degree_digits + 2]) + value / 60
    if sixtieths:
        value = int(whole[:degree_digits]) + value / 60
    return sign * value
