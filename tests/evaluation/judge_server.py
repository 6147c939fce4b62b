"""A real HTTP server that behaves like an OpenAI-compatible judge, well or badly, as a script tells it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "sk-secret-0123456789"
QUICK = {"retry-after-ms": "5"}  # so that retries need not wait for seconds
Behaviour = Callable[["Handler", dict[str, Any]], None]


class Handler(BaseHTTPRequestHandler):
    """One request; what happens is up to the server's script."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:  # type: ignore[attr-defined]
            number = len(self.server.requests)  # type: ignore[attr-defined]
            self.server.requests.append((time.monotonic(), body, self.headers["authorization"]))  # type: ignore[attr-defined]
        script: list[Behaviour] = self.server.script  # type: ignore[attr-defined]
        (script[number] if number < len(script) else self.server.then)(self, body)  # type: ignore[attr-defined]

    def reply(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def say(self, text: str | None) -> None:
        """A chat completion."""
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        self.reply(200, {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]})

    def log_message(self, *_: Any) -> None:
        """Nothing on the console."""


def good(handler: Handler, body: dict[str, Any]) -> None:
    """Judges truly: the given answer against the reference, both read from the prompt."""
    asked = next(message["content"] for message in body["messages"] if message["role"] == "user")
    facts = dict(line.split(": ", 1) for line in asked.splitlines())
    right = facts["Given answer"] == facts["Reference answer"]
    handler.say(json.dumps({"pred": "yes" if right else "no", "score": 5 if right else 1}))


def says(text: str | None) -> Behaviour:
    return lambda handler, body: handler.say(text)


def status(code: int) -> Behaviour:
    """An error that repeats the key, as some servers do."""
    content = {"error": {"message": f"Incorrect key {SECRET}", "code": "bad", "type": "x", "param": None}}
    return lambda handler, body: handler.reply(code, content, QUICK)


def slow(seconds: float) -> Behaviour:
    def behave(handler: Handler, body: dict[str, Any]) -> None:
        time.sleep(seconds)
        with_pipe_gone = handler
        try:
            good(with_pipe_gone, body)
        except (BrokenPipeError, ConnectionResetError):
            return

    return behave


def hangs_up(handler: Handler, body: dict[str, Any]) -> None:
    handler.close_connection = True
    handler.connection.close()


def no_json(handler: Handler, body: dict[str, Any]) -> None:
    handler.reply(200, b"{this is no JSON")


class Server(ThreadingHTTPServer):
    """Plays `script` request by request, then `then`; remembers (time, body, authorization) of every request."""

    daemon_threads = True

    def __init__(self, script: list[Behaviour], then: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.then = script, then
        self.requests: list[tuple[float, dict[str, Any], str]] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that the test closed is no news."""


@contextmanager
def serving(script: list[Behaviour] | None = None, then: Behaviour = good) -> Iterator[Server]:
    server = Server(script or [], then)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
