"""Replacement of the data folder by a new one, safe against a crash between the two renamings.

A journal names the old folder while neither bears the name `data`; the next process then moves the old one back. Everything
that an upgrade needs lives in one folder beside the data, so that the remains of a killed one are removed as a whole.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from guiado import clock
from guiado.store.embedded import postmaster
from guiado.store.embedded.cluster import sync_path, write_private
from guiado.store.embedded.cluster_paths import ClusterPaths, make_passage, socket_folder
from guiado.store.embedded.os_account import is_root

_KEPT = re.compile(r"data-\d+-\d{8}T\d{6}")


def workshop(site: ClusterPaths) -> ClusterPaths:
    """Paths of the new cluster while an upgrade creates it."""
    return ClusterPaths(site.folder / "upgrade", site.account)


def backstage(site: ClusterPaths) -> ClusterPaths:
    """Paths of the old server's socket during an upgrade, which no other process knows."""
    return ClusterPaths(site.folder / "upgrade" / "old", site.account)


def prepare(site: ClusterPaths) -> None:
    """Create the empty folders of an upgrade."""
    for each in (workshop(site), backstage(site)):
        make_passage(each)


def put_in_place(site: ClusterPaths, major: int) -> Path:
    """Replace the old data folder by the new one, which is complete and on the disk.

    Args:
        site: of the cluster; both servers are stopped.
        major: version of the old cluster.

    Returns:
        New path of the old data folder.
    """
    kept = site.folder / f"data-{major}-{clock.now():%Y%m%dT%H%M%S}"
    write_private(_journal(site.folder), kept.name)
    sync_path(site.folder)
    site.data.rename(kept)
    workshop(site).data.rename(site.data)
    sync_path(site.folder)
    _journal(site.folder).unlink()
    return kept


def clear(folder: Path) -> None:
    """Undo a killed upgrade. The caller holds the home's start lock, so none is running.

    Args:
        folder: of the cluster. Nothing happens when there is nothing to undo.
    """
    site = ClusterPaths(folder, None)
    _take_back(site)
    work = workshop(site)
    if not work.folder.exists():
        return
    postmaster.stop(work.data)
    if _listens_backstage(site):
        postmaster.stop(site.data)
    for sockets in {socket_folder(work), socket_folder(backstage(site))}:
        _remove(sockets)
    _remove(work.folder)


def _take_back(site: ClusterPaths) -> None:
    try:
        name = _journal(site.folder).read_text("utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return
    if not site.data.exists() and _KEPT.fullmatch(name) and (site.folder / name).is_dir():
        (site.folder / name).rename(site.data)
        sync_path(site.folder)
    _journal(site.folder).unlink()


def _listens_backstage(site: ClusterPaths) -> bool:
    """Whether an upgrade started the server of the old data: a later one has the usual socket and stays."""
    try:
        return str(socket_folder(backstage(site))) in (site.data / "postmaster.opts").read_text("utf-8")
    except FileNotFoundError:
        return False


def _journal(folder: Path) -> Path:
    return folder / "exchange"


def _remove(folder: Path) -> None:
    # In the temporary folder somebody else may own that name.
    if folder.is_dir() and not folder.is_symlink() and (is_root() or folder.stat().st_uid == os.geteuid()):
        shutil.rmtree(folder)
