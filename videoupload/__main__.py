"""`python -m videoupload` runs the command without installing it."""

import sys

from videoupload.cli import main

if __name__ == "__main__":
    sys.exit(main())
