"""An endpoint on this machine that speaks as OpenAI's does, and misbehaves when it is told to."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Answering = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back to one request."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    """How long it takes."""
    cut: bool = False
    """Whether the connection ends before the body does."""


@dataclass(slots=True)
class Endpoint:
    """What was asked, and what is answered."""

    answer: Answering
    """Gives the text of an answer to a request."""
    url: str = ""
    script: list[Reply] = field(default_factory=list)
    """Replies that are sent first, one a request; then what ``answer`` gives."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """The requests' bodies."""
    headers: list[dict[str, str]] = field(default_factory=list)
    """The requests' headers, in small letters."""
    paths: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopping: threading.Event = field(default_factory=threading.Event)

    def reply_to(self, path: str, headers: dict[str, str], request: dict[str, Any]) -> Reply:
        """Note a request, and say what is sent back."""
        with self.lock:
            self.paths.append(path)
            self.headers.append(headers)
            self.asked.append(request)
            if self.script:
                return self.script.pop(0)
        return Reply(body=completion(self.answer(request)))


def completion(text: str | None, *, finish: str = "stop") -> bytes:
    """The body of an answer."""
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "finish_reason": finish,
                }
            ],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        }
    ).encode()


@contextmanager
def serving(answer: Answering) -> Iterator[Endpoint]:
    """An endpoint on a free port of this machine, until it is left."""
    endpoint = Endpoint(answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(endpoint))
    endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Answer one request."""
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = endpoint.reply_to(self.path, headers, request)
            endpoint.stopping.wait(reply.seconds)
            if reply.cut and not reply.body:
                self.close_connection = True
                return
            self.send_response(reply.status)
            length = len(reply.body) * (2 if reply.cut else 1)
            for name, value in (("content-length", str(length)), *reply.headers):
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(reply.body)
            except ConnectionError:
                self.close_connection = True  # whoever asked waits no more
            self.close_connection = self.close_connection or reply.cut

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    return Handler
