"""`python -m devstack.node up|down`: a real one-node Kubernetes on this machine."""

import argparse
import sys

from devstack.node.layout import Layout
from devstack.node.node import Node
from devstack.server import PartFailedError
from devstack.tools import ToolError
from devstack.waiting import NotInTimeError


def main() -> int:
    """Run one command. An expected error is one message, any other a traceback."""
    parser = argparse.ArgumentParser(prog="python -m devstack.node", description=__doc__)
    parser.add_argument("command", choices=["up", "down"])
    node = Node(Layout(), say=lambda line: print(line, flush=True))
    try:
        if parser.parse_args().command == "up":
            node.up()
        else:
            node.down()
    except (NotInTimeError, PartFailedError, ToolError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
