"""Serve the built site on this machine; for `preview`, rebuild what a saved file touches and reload the browser.

The reload script is put into responses, never into the site.
"""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from book.child import end_group, start
from book.errors import BookError
from book.pages import House

ADDRESS = "127.0.0.1"
WATCHED = ("_config.yml", "_toc.yml", "book", "chapters", "data", "lib", "requirements.txt")
_TRIED_PORTS = 50
_KEEP_ALIVE = 15  # seconds
_CLIENT_URL = "/_preview/client.js"
_EVENTS_URL = "/_preview/events"
_CLIENT = """
const box = document.createElement("div");
box.id = "ww-preview";
box.setAttribute("role", "status");
box.style.cssText = "position:fixed;inset:auto 0 0 0;z-index:99999;max-height:60vh;overflow:auto;margin:0;" +
  "padding:1rem;background:#2b0f0f;color:#fff;font:13px/1.5 ui-monospace,monospace;white-space:pre-wrap";
box.hidden = true;
addEventListener("DOMContentLoaded", () => document.body.append(box));
const show = (text) => { box.textContent = text; box.hidden = !text; };
let seen = null;
const events = new EventSource("/_preview/events");
events.onmessage = ({data}) => {
  const state = JSON.parse(data);
  if (seen !== null && state.built !== seen) return location.reload();
  seen = state.built;
  show(state.failed ? "The build failed; this is the last good page.\\n\\n" + state.failed : "");
};
events.onerror = () => { if (seen !== null) show("The preview has ended: run `make preview` again."); };
"""
_WAITING = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Building</title></head>'
    "<body><p>The first build is running.</p></body></html>"
)


class State:
    """What the browsers should show: the number of the last good build, and the message of a failed one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[queue.Queue[str]] = []
        self._built = 0
        self._failed = ""

    def built(self) -> None:
        self._change(1, "")

    def failed(self, message: str) -> None:
        self._change(0, message)

    def listen(self) -> "queue.Queue[str]":
        """A queue that holds the present state, and gets every later one."""
        listener: queue.Queue[str] = queue.Queue()
        with self._lock:
            listener.put(self._text())
            self._listeners.append(listener)
        return listener

    def leave(self, listener: "queue.Queue[str]") -> None:
        with self._lock:
            self._listeners.remove(listener)

    def _change(self, step: int, message: str) -> None:
        with self._lock:
            self._built += step
            self._failed = message
            for listener in self._listeners:
                listener.put(self._text())

    def _text(self) -> str:
        return json.dumps({"built": self._built, "failed": self._failed})


class Handler(SimpleHTTPRequestHandler):
    """Files of the site as it is now (the link may move between two requests)."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *args, site: Callable[[], Path | None], state: State | None = None, **kwargs) -> None:
        self._site = site
        self._state = state
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        if self._state is None:
            super().do_GET()
        elif self.path == _CLIENT_URL:
            self._send(200, "text/javascript; charset=utf-8", _CLIENT.encode())
        elif self.path == _EVENTS_URL:
            self._send_events(self._state)
        elif self._page():
            self._send_page(self._page())
        else:
            super().do_GET()

    def translate_path(self, path: str) -> str:
        self.directory = str(self._site() or Path(os.devnull))
        return super().translate_path(path)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not news."""

    def _page(self) -> Path | None:
        """The HTML file that is asked for; the waiting page stands in while there is no site."""
        if self._site() is None:
            return Path(os.devnull) if unquote(urlsplit(self.path).path).endswith(("/", ".html")) else None
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        return path if path.suffix == ".html" and path.is_file() else None

    def _send_page(self, path: Path) -> None:
        page = path.read_text("utf-8") or _WAITING
        script = f'<script src="{_CLIENT_URL}"></script>'
        before, body, after = page.rpartition("</body>")
        self._send(200, "text/html; charset=utf-8", f"{before}{script}{body}{after}".encode())

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _send_events(self, state: State) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        listener = state.listen()
        try:
            while True:
                try:
                    line = f"data: {listener.get(timeout=_KEEP_ALIVE)}\n\n"
                except queue.Empty:
                    line = ": still here\n\n"
                self.wfile.write(line.encode())
        except (BrokenPipeError, ConnectionResetError):
            pass  # the page was closed
        finally:
            state.leave(listener)


def server(site: Callable[[], Path | None], *, port: int, state: State | None = None) -> ThreadingHTTPServer:
    """A server on the first free port from `port` on, for this machine only."""
    for tried in range(port, port + _TRIED_PORTS):
        try:
            made = ThreadingHTTPServer((ADDRESS, tried), partial(Handler, site=site, state=state))
        except (OSError, OverflowError):
            continue
        made.daemon_threads = True
        return made
    raise BookError(
        f"ServeError: no port from {port} to {port + _TRIED_PORTS - 1} is free.\n  name another: --port 9000"
    )


def serve(house: House, *, port: int) -> None:
    """Serve the released site until Ctrl-C."""
    from book.release import released

    if released(house) is None:
        raise BookError("ServeError: _build/html: there is no site yet.\n  build it first: make book")
    with server(lambda: released(house), port=port) as listening:
        print(f"http://{ADDRESS}:{listening.server_port}/  (Ctrl-C ends)", flush=True)
        listening.serve_forever()


def preview(house: House, *, port: int, jobs: int) -> None:
    """Serve, watch, rebuild and reload until Ctrl-C; a build that fails leaves the last good site and shows why."""
    from watchfiles import watch

    from book.release import released

    state = State()
    with server(lambda: released(house, "preview") or released(house), port=port, state=state) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        print(f"http://{ADDRESS}:{listening.server_port}/  (Ctrl-C ends)", flush=True)
        rebuild(house, state, jobs=jobs)
        watched = [house.root / name for name in WATCHED if (house.root / name).exists()]
        for changes in watch(*watched, raise_interrupt=True, watch_filter=_is_source):
            names = sorted({house.relative(Path(path)) for _, path in changes})
            print(f"\nchanged: {', '.join(names)}", flush=True)
            rebuild(house, state, jobs=jobs)


def rebuild(house: House, state: State, *, jobs: int, module: str = "book") -> None:
    """One incremental build in a process of its own, so that it runs the program as it is now."""
    arguments = ("build", "--incremental", "--jobs", str(jobs))
    process = start(module, *arguments, cwd=house.root, stderr=subprocess.PIPE)
    try:
        assert process.stderr is not None
        message = process.stderr.read().strip()
        code = process.wait()
    finally:
        end_group(process)
    if code:
        print(f"\n{message}\nthe last good site is still served", file=sys.stderr, flush=True)
        state.failed(message)
    else:
        state.built()


def _is_source(change: object, path: str) -> bool:
    name = Path(path).name
    return "__pycache__" not in path and not name.startswith(".") and not name.endswith(("~", ".swp", ".tmp"))
