"""What the transport decides before it serves."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.listening import check_address
from gateway.stream_threads import POOL_THREADS, WORKERS, stream_capacity


def test_a_thousand_streams_fit_when_the_workers_start_on_one_core():
    assert stream_capacity(1000, 1) == 1000


@given(st.integers(1, 10_000), st.integers(1, 1024))
def test_no_more_streams_are_promised_than_there_are_threads(wanted, cores):
    promised = stream_capacity(wanted, cores)
    assert 1 <= promised <= wanted
    assert promised <= max(WORKERS * max(POOL_THREADS // cores, 1), 1)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.test"])
def test_an_address_that_others_reach_is_refused_without_a_proxy_and_says_why(host):
    with pytest.raises(SystemExit, match="proxy in front"):
        check_address(host, 0, behind_proxy=False)


def test_behind_a_proxy_any_address_is_taken():
    check_address("0.0.0.0", 0, behind_proxy=True)


def test_a_busy_port_is_one_line():
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(SystemExit, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            check_address("127.0.0.1", port, behind_proxy=False)
