"""The root file system of an image with Python, which stands in for `python:3.11-slim`: no image can be downloaded.

It is the interpreter that runs the tests, moved to /usr/local, with the shared libraries that it needs and a busybox
for the shell of a `RUN`.
"""

import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterable
from pathlib import Path

import granian
import pip

from tests.peers.table import PEERS

_VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
_LEFT_OUT = {"__pycache__", "test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "site-packages"}
_APPLETS = ("sh", "mkdir", "cat", "ls", "true")


def write_python_root(file: Path) -> None:
    """Write it as a tar. Needs the peer `busybox`."""
    library = Path(sysconfig.get_path("stdlib"))
    interpreter = Path(sys.base_prefix) / "bin" / _VERSION
    with tarfile.open(file, "w") as tar:
        # Each by itself: who makes those that are missing makes them for root alone.
        for name in ("bin", "lib", "lib64", "usr", "usr/lib", "usr/local", "usr/local/bin", "usr/local/lib"):
            _folder(tar, name, 0o755)
        _folder(tar, "tmp", 0o1777)
        tar.add(PEERS["busybox"].program, "bin/busybox")
        for applet in _APPLETS:
            _link(tar, f"bin/{applet}", "busybox")
        tar.add(interpreter, f"usr/local/bin/{_VERSION}")
        for name in ("python3", "python"):
            _link(tar, f"usr/local/bin/{name}", _VERSION)
        tar.add(library, f"usr/local/lib/{_VERSION}", filter=_kept)
        site = f"usr/local/lib/{_VERSION}/site-packages"
        for package in Path(pip.__path__[0]).parent.glob("pip*"):
            tar.add(package, f"{site}/{package.name}", filter=_whole)
        extensions = [one for one in library.glob("lib-dynload/*.so") if not one.name.startswith("_tkinter")]
        compiled = [interpreter, *extensions, *Path(granian.__path__[0]).glob("*.so")]
        shared = sorted(_libraries(compiled))
        for folder in sorted({_place(one).rpartition("/")[0] for one in shared} - {"lib64", "lib", "usr/lib"}):
            _folder(tar, folder, 0o755)
        for one in shared:
            tar.add(one.resolve(), _place(one), filter=_ours)


def _kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Of the standard library."""
    name = member.name.rpartition("/")[2]
    return None if name in _LEFT_OUT or name.startswith(("config-", "_tkinter")) else _ours(member)


def _whole(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if member.name.endswith("__pycache__") else _ours(member)


def _ours(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _libraries(programs: Iterable[Path]) -> set[Path]:
    """The shared libraries that they are linked with, loader included, by the paths that the loader knows."""
    said = subprocess.run(["ldd", *map(str, programs)], check=True, capture_output=True, text=True).stdout
    words = (word for line in said.splitlines() if not line.endswith(":") for word in line.split())
    return {Path(word) for word in words if word.startswith("/")}


def _place(shared: Path) -> str:
    """Where a library goes: what lies beside the interpreter, say, goes where the loader looks by itself."""
    name = str(shared) if str(shared).startswith(("/lib", "/usr/lib")) else f"/usr/lib/{shared.name}"
    return name.lstrip("/")


def _folder(tar: tarfile.TarFile, name: str, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, mode
    tar.addfile(member)


def _link(tar: tarfile.TarFile, name: str, target: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    tar.addfile(member)
