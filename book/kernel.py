"""A kernel inside this process, as nbclient wants one: real ipykernel messages, without sockets and threads.

`ipykernel.inprocess` is nearly that. What is changed here: messages are handed over at once instead of through a
thread (so that the same cell always gives the same messages), streams are flushed before the reply as a kernel does,
output that other code writes to the file descriptors is caught, and neither history nor debugger is started.
"""

import asyncio
import importlib
import os
import sys
from collections.abc import Awaitable
from contextlib import nullcontext
from queue import Empty, SimpleQueue
from types import SimpleNamespace
from typing import Any

from ipykernel.inprocess.channels import InProcessChannel
from ipykernel.inprocess.client import InProcessKernelClient
from ipykernel.inprocess.ipkernel import InProcessKernel
from ipykernel.inprocess.manager import InProcessKernelManager
from ipykernel.iostream import IOPubThread, OutStream
from traitlets import Any as AnyTrait
from traitlets import Type, default
from traitlets.config import Config

_NO_HISTORY = Config({"HistoryManager": {"enabled": False}})

# A kernel loads its debugger, which takes longer than most pages and warns about frozen modules: here it finds none.
sys.modules["debugpy"] = None
importlib.import_module("ipykernel.debugger")
del sys.modules["debugpy"]


class _Direct(IOPubThread):
    """An IOPubThread that is never started: it then sends in the caller's thread, and needs no event pipe."""

    def _setup_event_pipe(self) -> None:
        pass


class _Stream(OutStream):
    """A kernel's stdout or stderr that also catches what is written to the file descriptor of that name."""

    def __init__(self, session, pub_thread, name: str, descriptor: int) -> None:
        super().__init__(session, pub_thread, name, watchfd=False)
        self._caught = os.memfd_create(name)
        self._seen = 0
        os.dup2(self._caught, descriptor)
        self._original_stdstream_copy = descriptor  # what fileno() answers

    def _schedule_flush(self) -> None:
        """Nothing is sent before somebody flushes: a timer would cut the text at random."""

    def _flush(self) -> None:
        found = os.pread(self._caught, os.fstat(self._caught).st_size - self._seen, self._seen)
        if found:
            self._seen += len(found)
            self.write(found.decode(errors="replace"))
        super()._flush()


class _Kernel(InProcessKernel):
    shell_channel_thread = AnyTrait()
    _supports_kernel_subshells = False
    _execute_sleep = 0  # waits for a socket that is not there

    @default("shell_channel_thread")
    def _default_shell_channel_thread(self):
        return SimpleNamespace(parent_thread=None)  # asked for when a cell awaits: cells run in no such thread

    @default("iopub_thread")
    def _default_iopub_thread(self):
        return _Direct(self._underlying_iopub_socket, session=self.session)

    @default("stdout")
    def _default_stdout(self):
        return _Stream(self.session, self.iopub_thread, "stdout", 1)

    @default("stderr")
    def _default_stderr(self):
        return _Stream(self.session, self.iopub_thread, "stderr", 2)

    def redirect(self) -> None:
        sys.stdout, sys.stderr = self.stdout, self.stderr

    def _redirected_io(self):
        return nullcontext()  # `redirect` has done it, for longer than one cell


class _Channel(InProcessChannel):
    """Messages in the order in which they were sent; all of a cell's are there before the first is asked for."""

    def __init__(self, client=None) -> None:
        super().__init__(client)
        self._messages: SimpleQueue[dict[str, Any]] = SimpleQueue()

    def call_handlers(self, msg: dict[str, Any]) -> None:
        self._messages.put(msg)

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:
        try:
            return self._messages.get_nowait()
        except Empty:
            raise RuntimeError("the kernel did not answer a message") from None


class _Client(InProcessKernelClient):
    """The client's side. nbclient awaits what `execute` returns, so that the cell runs in nbclient's own loop."""

    shell_channel_class = Type(_Channel)
    iopub_channel_class = Type(_Channel)
    stdin_channel_class = Type(_Channel)
    control_channel_class = Type(_Channel)

    def execute(self, code: str, *, store_history: bool = True, stop_on_error: bool = True) -> Awaitable[str]:
        content = {
            "code": code,
            "silent": False,
            "store_history": store_history,
            "user_expressions": {},
            "allow_stdin": self.allow_stdin,
            "stop_on_error": stop_on_error,
        }
        return self._ask(self.session.msg("execute_request", content))

    def kernel_info(self) -> str:
        return asyncio.get_event_loop().run_until_complete(self._ask(self.session.msg("kernel_info_request")))

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """It is."""

    async def is_alive(self) -> bool:
        return True

    async def _ask(self, message: dict[str, Any]) -> str:
        stream = self.kernel.shell_stream
        self.session.send(stream, message)
        await self.kernel.dispatch_shell(stream.recv_multipart())
        _, reply = self.session.recv(stream, copy=False)
        self.shell_channel.call_handlers(reply)
        return message["header"]["msg_id"]


class Manager(InProcessKernelManager):
    """What nbclient is given as the kernel manager; its kernel may be started before the process forks."""

    @classmethod
    def started(cls) -> "Manager":
        manager = cls(config=_NO_HISTORY)
        manager.kernel = _Kernel(parent=manager, session=manager.session)
        return manager

    def enter(self) -> None:
        """Give this process to the kernel: what is printed from now on is output of its cells."""
        self.session.pid = os.getpid()
        self.kernel.redirect()

    def client(self, **_: Any) -> _Client:
        return _Client(kernel=self.kernel, session=self.session)
