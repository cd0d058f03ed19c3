"""`python -m videoupload`: the command without an installation."""

import sys

from videoupload.cli import main

if __name__ == "__main__":
    sys.exit(main())
