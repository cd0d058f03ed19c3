"""Mounts files as the kubelet mounts a Secret: links into a directory behind one link, which is replaced atomically."""

from collections.abc import Mapping
from pathlib import Path


def mount(directory: Path, files: Mapping[str, str]) -> None:
    """Replace the content of ``directory`` by ``files``, atomically."""
    version = directory / f"..{len(list(directory.glob('..[0-9]*')))}"
    version.mkdir(parents=True)
    for name, content in files.items():
        (version / name).write_text(content)
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(Path("..data") / name)
    draft = directory / "..data_tmp"
    draft.symlink_to(version.name)
    draft.replace(directory / "..data")
