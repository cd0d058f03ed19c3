"""`python -m devstack up|down|status|token|restart|kill`: the local stack from the command line."""

import argparse
import os
import sys
import time
from pathlib import Path

from devstack import kind, page
from devstack.child_environment import bypass_proxies
from devstack.options import OptionError, StackOptions
from devstack.paths import DEFAULT_STATE_DIR, Paths
from devstack.server import PartFailedError
from devstack.stack import Stack, UnknownPartError
from devstack.tools import ToolError
from devstack.waiting import NotInTimeError

_EXPECTED = (OptionError, NotInTimeError, PartFailedError, ToolError, UnknownPartError)
# As `systemctl status` says "not running".
_NOT_ALL_RUN = 3


def main() -> int:
    """Run one command. An expected error is one message, any other a traceback."""
    arguments = _parser().parse_args()
    bypass_proxies()
    stack = Stack(Paths(arguments.state.resolve()), say=_say)
    try:
        return _do(stack, arguments)
    except _EXPECTED as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _do(stack: Stack, arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "up":
            began = time.monotonic()
            environment = kind.environment_with(os.environ, stack.paths, _say)
            running = stack.up(StackOptions.from_environment(environment, time_scale=arguments.scale))
            _say(f"ready in {time.monotonic() - began:.1f} s: the API is {running.api_url}")
            if page.remembered(stack.paths):
                _say(f"the page, signed in: {running.web_url}/#token={running.tokens.user}")
            _say(f"everything else is in {stack.paths.root / 'stack.json'}")
        case "down":
            stack.down()
            kind.remove(stack.paths)
        case "status":
            return _show_status(stack)
        case "token":
            _say(stack.token(user=arguments.user, uploads_per_hour=arguments.limit, is_admin=arguments.admin))
        case "restart":
            stack.restart(arguments.name)
        case "kill":
            stack.kill(arguments.name)
    return 0


def _show_status(stack: Stack) -> int:
    parts = stack.status()
    for part in parts:
        state = f"pid {part.pid}" if part.pid else "dead" if part.was_started else "stopped"
        _say(f"{part.name:<15} {state:<12} {part.address}")
    if not parts:
        _say(f"there is no stack in {stack.paths.root}")
    return 0 if parts and all(part.pid for part in parts) else _NOT_ALL_RUN


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--state", type=Path, default=DEFAULT_STATE_DIR, metavar="DIR", help="the stack's state directory"
    )
    parser = argparse.ArgumentParser(prog="python -m devstack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", parents=[common], help="start the parts that do not run and wait until all serve")
    up.add_argument("--scale", type=float, default=1.0, metavar="F", help="scale the services' durations, at most 1")
    commands.add_parser("down", parents=[common], help="stop what `up` started and keep the data")
    commands.add_parser("status", parents=[common], help="show what runs")
    token = commands.add_parser("token", parents=[common], help="print a bearer token")
    token.add_argument("--user", required=True)
    token.add_argument("--limit", type=int, metavar="N", help="uploads per hour")
    token.add_argument("--admin", action="store_true")
    for name, help_text in (("restart", "stop a process and start it again"), ("kill", "end a process with SIGKILL")):
        command = commands.add_parser(name, parents=[common], help=help_text)
        command.add_argument("name")
    return parser


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
