"""A mail server that stores every mail as `{number}.eml`, in the order of arrival."""

import argparse
import asyncio
import signal
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

from devstack.ports import HOST


class Sink:
    """Stores the mails that aiosmtpd receives."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._count = len(list(directory.glob("*.eml")))

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Store one mail."""
        self._count += 1
        draft = self._directory / f"{self._count:06}.draft"
        draft.write_bytes(envelope.content)
        draft.rename(draft.with_suffix(".eml"))
        return "250 OK"


async def _serve(port: int, sink: Sink) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(lambda: SMTP(sink, hostname="mail.local", loop=loop), HOST, port)
    async with server:
        await stop.wait()


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m devstack.mail", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    options = parser.parse_args()
    asyncio.run(_serve(options.port, Sink(options.directory)))


if __name__ == "__main__":
    main()
