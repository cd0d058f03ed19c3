"""Files as the kubelet mounts a Secret: links into a folder, behind one link that is replaced at a stroke."""

from collections.abc import Mapping
from pathlib import Path


def mount(directory: Path, files: Mapping[str, str]) -> None:
    """Show ``files`` in ``directory``, in place of those that are there."""
    version = directory / f"..{len(list(directory.glob('..[0-9]*')))}"
    version.mkdir(parents=True)
    for name, content in files.items():
        (version / name).write_text(content)
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(Path("..data") / name)
    draft = directory / "..data_tmp"
    draft.symlink_to(version.name)
    draft.replace(directory / "..data")
