"""How far the execution of pages is, for whoever waits."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

_LIVE, _PLAIN = 0.1, 10.0  # seconds between two looks, on a terminal and elsewhere


class Progress:
    """Counts pages, and shows the count: one live line on a terminal, a line now and then elsewhere.

    With `show` given, passing news goes there and nowhere else.
    """

    def __init__(self, total: int, *, show: Callable[[str], None] | None, stream: TextIO | None = None) -> None:
        self.total = total
        self.done = self.reused = self.failed = 0
        self._stream = stream or sys.stderr
        self._live = show is not None or self._stream.isatty()
        self._show = show or (self._rewrite if self._live else self._write_line)
        self._began: float | None = None
        self._shown = time.monotonic()
        self._line = ""

    def count(self, *, reused: bool = False, failed: bool = False) -> None:
        """One page more is done: reused, failed, or executed."""
        self.reused += reused
        self.failed += failed
        self.done += 1
        self.tick()

    def begin(self) -> None:
        """From here on pages are executed; the time to go is reckoned from now."""
        self._began = time.monotonic()

    def tick(self, now: str = "") -> None:
        """Show how far it is, if some time has passed since the last time; `now` is what is being done."""
        moment = time.monotonic()
        if moment - self._shown >= (_LIVE if self._live else _PLAIN):
            self._shown = moment
            self._show(self.text(now if self._live else ""))

    def say(self, line: str) -> None:
        """Something to stay on the screen."""
        if self._live:
            self._show("")
        print(line, file=self._stream, flush=True)

    def end(self) -> None:
        """Take the live line away."""
        if self._live:
            self._show("")

    def text(self, now: str = "") -> str:
        left = self.total - self.done
        parts = [f"{self.done} of {self.total} pages", f"{left} left", f"{self.reused} reused", f"{self.failed} failed"]
        executed = self.done - self.reused
        if self._began is not None and executed and left:
            to_go = (time.monotonic() - self._began) / executed * left
            parts.append(f"about {to_go:.0f} s to go" if to_go < 90 else f"about {to_go / 60:.0f} min to go")
        return "run      " + ", ".join(parts) + (f"  {now}" if now else "")

    def _rewrite(self, text: str) -> None:
        if text != self._line:
            self._line = text
            self._stream.write(f"\r\x1b[K{text[:110]}")
            self._stream.flush()

    def _write_line(self, text: str) -> None:
        print(text, file=self._stream, flush=True)
