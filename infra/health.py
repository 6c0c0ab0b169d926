"""Health over HTTP for a process that serves nothing else: /livez, /readyz and /metrics, on loopback."""

import json
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from infra import metrics
from infra.running import Running

Wrong = dict[str, str]


class _Answer(NamedTuple):
    status: int
    content_type: str
    body: bytes


class Health:
    """A server in a thread of its own. Port 0 lets the system choose."""

    def __init__(self, port: int, loops: Sequence[Running]) -> None:
        """Raises OSError where the port is taken."""
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(loops))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def wrong_with(loops: Sequence[Running]) -> list[Wrong]:
    """What is in the way of these loops, each with why."""
    found = []
    for each in loops:
        if each.failed is not None:
            why = f"it failed ({type(each.failed).__name__}) and the process is stopping"
        elif each.trouble is not None:
            why = f"it tries again since {each.why or 'what it needs is away'} ({each.trouble}); `troth doctor` says more"
        else:
            continue
        found.append({"what": each.name, "why": why})
    return found


def _handler(loops: Sequence[Running]) -> type[BaseHTTPRequestHandler]:
    def alive() -> _Answer:
        return _json(200, {"alive": True})

    def ready() -> _Answer:
        wrong = wrong_with(loops)
        return _json(503 if wrong else 200, {"ready": not wrong, "wrong": wrong})

    def measured() -> _Answer:
        return _Answer(200, metrics.CONTENT_TYPE, metrics.of_this_process())

    answers: dict[str, Callable[[], _Answer]] = {"/livez": alive, "/readyz": ready, "/metrics": measured}

    class Handler(BaseHTTPRequestHandler):
        """Answers GET."""

        def do_GET(self) -> None:
            """Answer."""
            answer = answers.get(urlsplit(self.path).path, lambda: _json(404, {"paths": list(answers)}))()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Health is asked for every few seconds: nobody wants to read that."""

    return Handler


def _json(status: int, value: object) -> _Answer:
    return _Answer(status, "application/json", json.dumps(value).encode())
