"""The socket that the server listens on."""

import socket
from contextlib import closing

import pytest

from infra.http.binding import PortTaken, bound, url
from infra.settings import Settings


def test_an_answers_body_does_not_wait_for_its_head_to_be_acknowledged() -> None:
    with closing(bound(Settings(port=0))) as listener, closing(socket.create_connection(listener.getsockname())):
        accepted, _ = listener.accept()
        with closing(accepted):
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken_is_said_to_be() -> None:
    with closing(bound(Settings(port=0))) as listener:
        port = listener.getsockname()[1]
        assert url(listener) == f"http://127.0.0.1:{port}"
        with pytest.raises(PortTaken, match=f"port {port} of 127.0.0.1"):
            bound(Settings(port=port))
