"""Paths behind which there is no file to read."""

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from memory64 import SourceError, SourceNotFoundError

from .attack import Attack, Attacks, check_refusal, check_success
from .builder import MODEL
from .process import Child

attacks = Attacks()
refused = attacks.refused_path


@refused(SourceNotFoundError, "absent.gguf", "no such file")
def nothing(folder: Path) -> Path:
    """Is not there."""
    return folder / "absent.gguf"


@refused(SourceNotFoundError, "link.gguf", "no such file")
def a_link_to_nothing(folder: Path) -> Path:
    """Points to what is not there."""
    path = folder / "link.gguf"
    path.symlink_to(folder / "absent.gguf")
    return path


@refused(SourceError, "loop.gguf", "cannot be opened")
def a_link_to_itself(folder: Path) -> Path:
    """Points in a circle."""
    path = folder / "loop.gguf"
    path.symlink_to(path)
    return path


@refused(SourceError, "regular file", "a directory")
def a_directory(folder: Path) -> Path:
    """Is a folder with the name of a model."""
    path = folder / "folder.gguf"
    path.mkdir()
    return path


@refused(SourceError, "regular file", "pipe")
def a_pipe(folder: Path) -> Path:
    """Would be waited for until somebody writes."""
    path = folder / "pipe.gguf"
    os.mkfifo(path)
    return path


@refused(SourceError, "socket.gguf")
def a_socket(folder: Path) -> Path:
    """Cannot be opened at all."""
    path = folder / "socket.gguf"
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        # The address of a socket has room for a hundred characters: bound by a short name.
        descriptor = os.open(folder, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{descriptor}/{path.name}")
        os.close(descriptor)
    return path


@refused(
    SourceError, "{0}", "regular file", "device", each=["/dev/zero", "/dev/full", "/dev/urandom"]
)
def a_device(folder: Path, name: str) -> Path:
    """Has bytes without an end, and no size."""
    return folder / name


@refused(SourceError, "cannot be opened")
def a_file_as_a_folder(folder: Path) -> Path:
    """Lies in a file."""
    path = folder / "file"
    path.touch()
    return path / "model.gguf"


@refused(SourceError, "cannot be opened", each=["model.gguf", "model-00001-of-00002.gguf"])
def a_name_too_long(folder: Path, name: str) -> Path:
    """Has a longer name than a file system takes."""
    return folder / ("x" * 300 + name)


@refused(SourceError, each=["a\0b.gguf", "a\0b-00001-of-00002.gguf"])
def a_name_with_a_zero(folder: Path, name: str) -> Path:
    """Has a name that C would end early."""
    return folder / name


@attacks.each
def test_refused(attack: Attack, child: Child, tmp_path: Path) -> None:
    attack.check(child, tmp_path)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that others than its owner can enter, as those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def user(own_child: Child, public_folder: Path) -> Child:
    """A process that is not root's, all its modules loaded while it could read them."""
    path = public_folder / "readable.gguf"
    path.write_bytes(MODEL.encode())
    path.chmod(0o644)
    check_success(own_child.ask("open", path=str(path), enabled=True))
    check_success(own_child.ask("lose_privileges"))
    check_success(own_child.ask("open", path=str(path), enabled=True))
    check_success(own_child.ask("close"))
    return own_child


def test_a_file_without_permission(user: Child, public_folder: Path) -> None:
    path = public_folder / "secret.gguf"
    path.write_bytes(MODEL.encode())
    path.chmod(0)
    answer = user.ask("open", path=str(path), enabled=True)
    check_refusal(answer, SourceError, "secret.gguf", "Permission denied")


@pytest.mark.parametrize("name", ["model.gguf", "model-00001-of-00002.gguf"])
def test_a_folder_without_permission(name: str, user: Child, public_folder: Path) -> None:
    folder = public_folder / "secret"
    folder.mkdir(mode=0o700)
    (folder / name).write_bytes(MODEL.encode())
    folder.chmod(0)
    answer = user.ask("open", path=str(folder / name), enabled=True)
    folder.chmod(0o700)
    check_refusal(answer, SourceError, name, "Permission denied")
