"""`python -m devstack.node.forward ADDRESS PORT…`: forward ports of the bridge to the same ports on loopback.

Pods reach servers of this machine through it.
"""

import asyncio
import contextlib
import sys
from functools import partial

from devstack.ports import HOST

_PIECE_BYTES = 64 * 1024


async def serve(address: str, ports: list[int]) -> None:
    """Forward every port until cancelled."""
    servers = [await asyncio.start_server(partial(_forward, port), address, port) for port in ports]
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def _forward(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        behind_reader, behind_writer = await asyncio.open_connection(HOST, port)
    except OSError:
        # No server listens there now, so the client's connection is reset too.
        writer.transport.abort()
        return
    await asyncio.gather(_copy(reader, behind_writer), _copy(behind_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(_PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], [int(port) for port in sys.argv[2:]]))
