"""The socket that the server listens on."""

import socket
from ipaddress import ip_address

from infra.settings import Settings


class PortTaken(Exception):
    """The address cannot be bound: another process listens there, or this one may not."""


def bound(settings: Settings) -> socket.socket:
    """A socket that listens where the settings say. Raises PortTaken."""
    six = settings.host != "localhost" and ip_address(settings.host).version == 6
    family = socket.AF_INET6 if six else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=2_048)
    except OSError as wrong:
        raise PortTaken(f"cannot listen on port {settings.port} of {settings.host}: {wrong.strerror}") from None
    # Connections take it over. Without it an answer's body waits 40 ms for the client to acknowledge its head; asyncio sets
    # it only on sockets that were made with the protocol's number, which these are not.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def url(listener: socket.socket) -> str:
    """Where a socket listens, as a URL."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
