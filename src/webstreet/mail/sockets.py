"""`HeldSocket`: a socket whose calls keep Python's lock.

A worker's database thread and its sending thread share one interpreter. `socket.send` gives the interpreter away for the few microseconds
that the system needs, and to get it back takes until the other thread lets go: a fifth of a millisecond or more. Three such calls a
message, and the mail server stands still while a batch is prepared. For calls that never wait, keeping it is cheaper.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
from typing import Any

_system = ctypes.PyDLL(None, use_errno=True)  # In contrast to CDLL it keeps the lock.
_send, _receive = _system.send, _system.recv
_send.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
_receive.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_send.restype = _receive.restype = ctypes.c_ssize_t


class HeldSocket(socket.socket):
    """One that does not block: so it is made, and so it has to stay."""

    def __init__(self, family: int, kind: int, protocol: int) -> None:
        super().__init__(family, kind, protocol)
        self.setblocking(False)

    def send(self, data: Any, flags: int = 0) -> int:
        """As `socket.socket.send`; only of ``bytes`` it keeps the lock."""
        if type(data) is not bytes:
            return super().send(data, flags)
        return _checked(_send(self.fileno(), data, len(data), flags))

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """As `socket.socket.recv_into`; only of a whole ``buffer`` of octets it keeps the lock."""
        if nbytes or not len(buffer):
            return super().recv_into(buffer, nbytes, flags)
        start = ctypes.addressof(ctypes.c_char.from_buffer(buffer))
        return _checked(_receive(self.fileno(), start, len(buffer), flags))


def _checked(count: int) -> int:
    if count < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return count


async def connected(host: str, port: int) -> HeldSocket:
    """To the first of the host's addresses that answers.

    Raises:
        OSError: the host has none, or none of them answers; it is that of the last.
    """
    loop = asyncio.get_running_loop()
    why = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            made = HeldSocket(family, kind, protocol)
        except OSError as error:  # This machine has no such addresses.
            why = error
            continue
        try:
            await loop.sock_connect(made, address)
        except OSError as error:
            made.close()
            why = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise why
