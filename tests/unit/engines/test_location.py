import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.engines.clip.location import find_location, parse_point
from subjects.media import Location


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("+48.8584+002.2945/", (48.8584, 2.2945)),
        ("+40.6892-074.0445+10.000/", (40.6892, -74.0445)),
        ("+40.680-074.500/", (40.68, -74.5)),
        ("-90+180/", (-90.0, 180.0)),
        ("+4012.22-07500.25/", (40 + 12.22 / 60, -75 - 0.25 / 60)),
        ("+401213.1-0750015.1/", (40 + (12 + 13.1 / 60) / 60, -75 - (15.1 / 60) / 60)),
        ("+27.5916+086.5640+8850CRSWGS_84/", (27.5916, 86.564)),
    ],
)
def test_the_forms_of_iso_6709_are_read(text: str, point: tuple[float, float]) -> None:
    assert parse_point(text) == pytest.approx(point)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "48.85 2.29",
        "+91.0+002.0/",
        "+48.0+181.0/",
        "+48.8584",
        "+4899.0+002.0/",
        "+488.1+002.2/",
        "+٤٨.0+002.0/",
    ],
)
def test_what_is_not_a_point_on_earth_is_nothing(text: str) -> None:
    assert parse_point(text) is None


def test_zeros_written_without_a_fix_are_nothing() -> None:
    assert parse_point("+00.0000+000.0000/") is None


@given(
    lat=st.floats(-90, 90).map(lambda value: round(value, 4)),
    lng=st.floats(-180, 180).map(lambda value: round(value, 4)),
)
def test_every_point_in_decimal_degrees_is_read_back(lat: float, lng: float) -> None:
    expected = None if (lat, lng) == (0, 0) else pytest.approx((lat, lng))
    assert parse_point(f"{lat:+08.4f}{lng:+09.4f}/") == expected


@given(st.text())
def test_no_text_makes_the_reader_fail(text: str) -> None:
    parse_point(text)


def test_the_key_is_found_without_regard_to_case() -> None:
    tags = {"com.apple.quicktime.location.ISO6709": "+51.5334-000.1255+026.756/"}
    assert find_location(tags) == Location(lat=51.5334, lng=-0.1255, source="container")


def test_a_broken_tag_does_not_hide_a_good_one() -> None:
    found = find_location({"location": "somewhere", "location-eng": "+01.0+002.0/"})
    assert found == Location(lat=1.0, lng=2.0, source="container")


def test_a_clip_without_tags_has_no_location() -> None:
    assert find_location({"title": "+01.0+002.0/"}) is None
