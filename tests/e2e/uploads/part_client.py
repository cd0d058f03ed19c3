"""A client that sends the parts which storage has not got, one after the other, in a process that can be killed.

`python -m tests.e2e.uploads.part_client API_URL VIDEO_ID FILE`, the token in the variable TOKEN. Tells on stdout which
part it begins to send, and confirms nothing.
"""

import os
import sys
from pathlib import Path

import requests

_TIMEOUT_SECONDS = 60


def main(api_url: str, video_id: str, path: Path) -> None:
    """Send what is missing."""
    parts, headers = f"{api_url}/api/v1/videos/{video_id}/parts", {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    held = requests.get(parts, headers=headers, timeout=_TIMEOUT_SECONDS)
    held.raise_for_status()
    with path.open("rb") as file:
        for number in held.json()["missing"]:
            wanted = {"part_numbers": [number]}
            signed = requests.post(parts, headers=headers, json=wanted, timeout=_TIMEOUT_SECONDS).json()["parts"][0]
            print(number, flush=True)
            file.seek((number - 1) * held.json()["part_size"])
            body = file.read(signed["size_bytes"])
            requests.put(signed["upload_url"], data=body, timeout=_TIMEOUT_SECONDS).raise_for_status()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
