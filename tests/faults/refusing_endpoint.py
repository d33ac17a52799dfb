"""An endpoint between a function and Step Functions that refuses or delays answers to task tokens."""

import contextlib
import http.client
import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWER = "SendTaskSuccess"
HOLD_SECONDS = 30
THROTTLED = json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode()


class RefusingEndpoint(ThreadingHTTPServer):
    """Passes requests on to the emulator, but for those that a test says.

    Attributes
    ----------
    refusals
        How many of the next successes are throttled.
    hold
        The next successes wait for this event.
    counts
        Requests that came, by their operation.
    """

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = target
        self.refusals = 0
        self.hold = threading.Event()
        self.hold.set()
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def refuses(self, operation: str) -> bool:
        """Count a request; whether it is throttled."""
        with self._lock:
            self.counts[operation] += 1
            refused = operation == ANSWER and self.refusals > 0
            self.refusals -= refused
        if operation == ANSWER:
            self.hold.wait(HOLD_SECONDS)
        return refused

    @contextmanager
    def serving(self) -> Iterator[None]:
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            self.hold.set()
            self.shutdown()
            thread.join()
            self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RefusingEndpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.refuses(self.headers["X-Amz-Target"].rpartition(".")[2]):
            self._respond(http.client.BAD_REQUEST, THROTTLED)
            return
        request = urllib.request.Request(self.server.target, body, dict(self.headers), method="POST")
        try:
            with urllib.request.urlopen(request) as answer:
                self._respond(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                self._respond(error.code, error.read())

    def _respond(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_one_request(self) -> None:
        """Take no notice of a client that has given up."""
        with contextlib.suppress(ConnectionError):
            super().handle_one_request()

    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""
