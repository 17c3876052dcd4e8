from subjects.streams import STREAMS


def test_facts_are_kept_as_long_as_dead_letters_so_that_a_retry_finds_what_its_join_needs() -> None:
    kept = {stream.name: stream.max_age_seconds for stream in STREAMS}
    assert kept["EVENTS"] >= kept["DEAD_LETTERS"] > 0
