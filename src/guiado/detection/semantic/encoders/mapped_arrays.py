"""Memory-mapped arrays on disk that all processes of one user share, instead of a copy in each.

They only save work and can be deleted at any time; damaged ones count as missing.

Layout: a folder with one `.npy` file an array (all other facts are one of them, as JSON), and `files.json`, written last,
which lists the size and the time of every other file. A file that was cut or changed since does not agree with it. Nothing
in the folder is ever executed.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from sys import byteorder
from weakref import WeakSet

import numpy as np

from guiado.detection.arrays import Array

_LIST, _FACTS = "files.json", "facts"
_SUFFIX = ".npy"
_MAPPED_BYTES = 1 << 16  # smaller ones are read whole: a mapping holds a descriptor open
_LEFTOVER_S = 600.0
_mapped: WeakSet[mmap.mmap] = WeakSet()


@dataclass(frozen=True, slots=True)
class Arrays:
    """The content of a folder of arrays.

    Args:
        facts: anything that JSON can say.
        arrays: by name, which may serve as the name of a file; read-only where they are mapped.
    """

    facts: Mapping[str, object]
    arrays: Mapping[str, Array]


def map_arrays(folder: Path) -> Arrays | None:
    """Map the arrays of a folder; none of them is read before it is needed.

    Args:
        folder: of `write_arrays`.

    Returns:
        None where there is no such folder, or it is damaged, or somebody else could have written it.
    """
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):
        if _is_ours(folder):
            listed = json.loads((folder / _LIST).read_bytes())
            arrays = {name: _open(folder, name, seen) for name, seen in listed.items()}
            return Arrays(json.loads(arrays.pop(_FACTS).tobytes()), arrays)
    return None


def write_arrays(folder: Path, content: Arrays) -> None:
    """Write arrays into a folder, or replace one that exists, atomically.

    Args:
        folder: where they are written; the folder above it is made for this user alone.
        content: facts and arrays.

    Raises:
        OSError: there can be no such folder.
    """
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=_temporary(folder), dir=folder.parent))
    _remove_leftovers(folder, fresh)
    try:
        facts = np.frombuffer(json.dumps(content.facts).encode(), np.uint8)
        arrays = {**content.arrays, _FACTS: facts}
        files = {name: _save(fresh / f"{name}{_SUFFIX}", array) for name, array in arrays.items()}
        _write(fresh / _LIST, json.dumps(files).encode())
        _put(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def remove(path: Path) -> None:
    """Remove arrays atomically. Processes that map them keep them.

    Args:
        path: a folder, or whatever else is in its place.
    """
    with suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            gone = tempfile.mkdtemp(prefix=_temporary(path), dir=path.parent)
            shutil.rmtree(path.rename(gone))


def remove_others(folder: Path, pattern: str) -> None:
    """Remove the folders that earlier versions wrote beside this one.

    Args:
        folder: stays.
        pattern: of the names that are meant.
    """
    for other in folder.parent.glob(pattern):
        if other != folder:
            remove(other)


def key_of(package: str, files: Iterable[str], form: int) -> str | None:
    """A cache key for exactly these files of an installed package, as this machine and this code prepare them.

    Args:
        package: as it was installed.
        files: how their paths begin, in the package's list of what it installed.
        form: version of the stored arrays; another number gives another key.

    Returns:
        None where the package does not list its files.
    """
    begins = tuple(files)
    with suppress(PackageNotFoundError, OSError):
        found = distribution(package)
        lines = [line for line in (found.read_text("RECORD") or "").splitlines() if line.startswith(begins)]
        if any("sha256=" in line for line in lines):
            facts = "\n".join([str(form), byteorder, *sorted(lines)])
            return f"{found.version}-{sha256(facts.encode()).hexdigest()[:16]}"
    return None


def release_memory() -> None:
    """Return freed memory to the operating system, after work that needed much.

    The C library keeps tens of megabytes that were freed. Mapped pages stay in the system's page cache, from which they are
    read again when needed: each was mapped with its neighbours.
    """
    for mapping in list(_mapped):
        mapping.madvise(mmap.MADV_DONTNEED)
    with suppress(OSError, AttributeError):  # only the GNU library has it
        ctypes.CDLL(None).malloc_trim(0)


def view(array: Array) -> memoryview:
    """An array as a memoryview, which is quicker to read number by number.

    Args:
        array: of any kind.
    """
    return array.data


def _is_ours(folder: Path) -> bool:
    """Whether only this user can write there; another user who can now could do so later."""
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _open(folder: Path, name: str, seen: list[int]) -> Array:
    path = folder / f"{name}{_SUFFIX}"
    if _seen(path) != seen:
        raise ValueError(path)
    loaded = np.load(path, mmap_mode="r" if seen[0] > _MAPPED_BYTES else None, allow_pickle=False)
    if isinstance(loaded.base, mmap.mmap):
        loaded.base.madvise(mmap.MADV_RANDOM)
        _mapped.add(loaded.base)
    return np.asarray(loaded)


def _seen(path: Path) -> list[int]:
    found = path.lstat()
    return [found.st_size, found.st_mtime_ns]


def _save(path: Path, array: Array) -> list[int]:
    with path.open("wb") as file:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    return _seen(path)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _put(fresh: Path, folder: Path) -> None:
    """Move a folder into its place; where another process was faster, its folder stays."""
    if os.path.lexists(folder) and map_arrays(folder) is None:
        if folder.lstat().st_uid != os.geteuid():  # of another user, who would replace ours in turn
            raise PermissionError(folder)
        remove(folder)
    try:
        fresh.rename(folder)
    except OSError:
        if map_arrays(folder) is None:
            raise


def _temporary(path: Path) -> str:
    return f".{path.name}."


def _remove_leftovers(folder: Path, fresh: Path) -> None:
    """Remove what a process left that was killed while it wrote; its age is by the clock that dates files, as is this one's."""
    made_s = fresh.stat().st_mtime
    for other in folder.parent.glob(f"{_temporary(folder)}*"):
        with suppress(OSError):
            if made_s - other.stat().st_mtime > _LEFTOVER_S:
                shutil.rmtree(other)
