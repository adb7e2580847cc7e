"""Proof of the image without a container engine: its very commands, in namespaces.

Each stage of the Containerfile begins with this machine's Debian and Python, which stand for the base image. Its RUN and COPY are
carried out in folders; then ENTRYPOINT and CMD run as the image's user, over a read-only root, without a network, with nothing
writable but the volume and /tmp. HEALTHCHECK's own command says when it is up; SIGTERM ends it; a second life finds the data.

Needs root and bubblewrap (Debian: bubblewrap).

Usage: scripts/check_container.py [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from containerfile import Instruction, Stage, read

ROOT = Path(__file__).resolve().parents[1]
INSIDE = ROOT / "scripts" / "container_life.py"
UNABLE = 77
_OWN = ("usr/local", "etc", "opt", "src", "var")
"""What a stage has of its own; the rest of the file system is this machine's, read-only."""
_IDENTITY = (
    *("passwd", "group", "shadow", "gshadow", "login.defs", "nsswitch.conf", "default", "ssl", "alternatives"),
    *("ld.so.conf", "ld.so.conf.d", "hosts", "resolv.conf", "pip.conf", "ca-certificates.conf"),
)


_OF_THE_NETWORK = re.compile(r"INDEX|CERT|FIND_LINKS|HOST|TIMEOUT|RETRIES|proxy", re.IGNORECASE)


class Image:
    """One stage, built in a folder.

    Args:
        folder: holds what the stage has of its own.
    """

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage, self.folder, self.workdir = stage, folder, "/"
        self._set: dict[str, str] = {}
        for part in _OWN:
            (folder / part).mkdir(parents=True)
        for part in ("var/lib", "var/tmp", "var/cache", "var/log"):
            (folder / part).mkdir()
        _copy_identity(folder / "etc")
        _copy_python(folder / "usr/local")
        self.run(["/sbin/ldconfig"])

    def build(self, others: dict[str, Image]) -> None:
        """Carry out the stage's instructions.

        Args:
            others: stages that were built before, by name.
        """
        for each in self.stage.instructions:
            if each.name == "WORKDIR":
                self.workdir = each.rest
                self._inside(each.rest).mkdir(parents=True, exist_ok=True)
            elif each.name == "ENV":
                self._set |= _plain(dict(pair.split("=", 1) for pair in each.words))
            elif each.name == "COPY":
                self._copy(each, others)
            elif each.name == "RUN":
                print(f"  RUN {each.rest[:100]}", flush=True)
                self.run(["/bin/sh", "-c", each.rest])

    def _copy(self, each: Instruction, others: dict[str, Image]) -> None:
        *sources, target = each.words
        base = others[each.flags["from"]].folder if "from" in each.flags else ROOT
        for source in sources:
            place = base / source.lstrip("/")
            goal = self._inside(target if target.startswith("/") else f"{self.workdir}/{target}")
            if place.is_dir():
                hidden = shutil.ignore_patterns("__pycache__", "*.pyc")
                shutil.copytree(place, goal, symlinks=True, dirs_exist_ok=True, ignore=hidden if base == ROOT else None)
            else:
                file = goal / place.name if target.endswith("/") else goal
                file.parent.mkdir(parents=True, exist_ok=True)  # as an engine does
                shutil.copy2(place, file)

    def _inside(self, path: str) -> Path:
        return self.folder / path.lstrip("/")

    def run(self, command: list[str]) -> None:
        """Run one command of the build, as root inside, with the network."""
        environment = {**_for_pip(), **self._set}
        environment.setdefault("PATH", "/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin")
        mounts = [part for own in _OWN for part in ("--bind", str(self.folder / own), f"/{own}")]
        index = [part for own in sorted(Path("/opt").glob("*")) for part in ("--ro-bind", str(own), str(own))]
        sandbox = _sandbox(mounts + (index if self.stage.name == "build" else []), environment)
        inner = [*sandbox, "--cap-add", "ALL", "--chdir", self.workdir, *command]
        if subprocess.run(inner, check=False).returncode:
            sys.exit(f"failed: {' '.join(command)}")

    def live(self, volume: Path, task: dict[str, object]) -> dict[str, object]:
        """Run the image as it is run: read-only, as its user, without capabilities or a network.

        Args:
            volume: what is mounted at the image's VOLUME.
            task: for `container_life.py`, which is told the image's own commands too.
        """
        stage, place = self.stage, self.stage.last("VOLUME").rest
        user, _, group = stage.last("USER").rest.partition(":")
        mounts = [part for own in _OWN for part in ("--ro-bind", str(self.folder / own), f"/{own}")]
        mounts += ["--bind", str(volume), place, "--ro-bind", str(INSIDE), "/life.py", "--remount-ro", "/"]
        sandbox = _sandbox(mounts, _plain(stage.environment()))
        become = ["/usr/bin/setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--inh-caps=-all",
                  "--bounding-set=-all", "--no-new-privs"]  # fmt: skip
        told = {
            **task,
            "command": [*stage.last("ENTRYPOINT").words, *stage.last("CMD").words],
            "health": json.loads(stage.last("HEALTHCHECK").rest.partition("CMD ")[2]),
            "closed": ["/", "/opt/guiado", "/etc", "/usr/local/bin", "/var/lib"],
        }
        caps = [part for name in ("SETUID", "SETGID", "SETPCAP") for part in ("--cap-add", f"CAP_{name}")]
        words = [
            *sandbox,
            "--unshare-net",
            *caps,
            "--chdir",
            place,
            *become,
            "/usr/local/bin/python",
            "/life.py",
            json.dumps(told),
        ]
        done = subprocess.run(words, check=False, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"the container's life ended with {done.returncode}\n{done.stdout}")
        return json.loads(done.stdout.splitlines()[-1])


def _plain(variables: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if "$" not in value}


def _for_pip() -> dict[str, str]:
    """What pip needs to know of this machine to reach its index."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.lower().endswith("_proxy")}
    asked = subprocess.run([sys.executable, "-m", "pip", "config", "list"], check=False, capture_output=True, text=True)
    for line in asked.stdout.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.partition(".")
        if section == "global":
            kept.setdefault(f"PIP_{option.upper().replace('-', '_')}", " ".join(value.strip("'").split("\\n")).strip())
    return {name: value for name, value in kept.items() if _OF_THE_NETWORK.search(name)}


def _sandbox(mounts: list[str], environment: dict[str, str]) -> list[str]:
    system = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib64"):
        place = Path("/", name)
        if place.is_symlink():
            system += ["--symlink", str(place.readlink()), str(place)]
        elif place.exists():
            system += ["--ro-bind", str(place), str(place)]
    variables = [part for pair in environment.items() for part in ("--setenv", *pair)]
    places = ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--perms", "0700", "--dir", "/root"]  # noqa: S108  # nosec B108 inside
    # No user namespace: the image's user is really another one than root.
    alone = [f"--unshare-{kind}" for kind in ("ipc", "pid", "uts", "cgroup-try")]
    return ["bwrap", *alone, "--die-with-parent", "--new-session", "--clearenv", *system, *places, *mounts, *variables]


def _copy_identity(target: Path) -> None:
    for name in _IDENTITY:
        place = Path("/etc", name)
        if place.is_dir():
            shutil.copytree(place, target / name, symlinks=True)
        elif place.exists():
            shutil.copy2(place, target / name)


def _copy_python(target: Path) -> None:
    """Put this machine's Python where the base image has its own."""
    base = Path(sys.base_prefix)
    if base == Path("/usr"):
        (target / "bin").mkdir()
        (target / "bin/python").symlink_to(f"/usr/bin/python3.{sys.version_info.minor}")
        return
    hidden = shutil.ignore_patterns("test", "tests", "__pycache__", "site-packages")
    for part in ("bin", "lib", "include"):
        shutil.copytree(base / part, target / part, symlinks=True, ignore=hidden)
    python = target / "bin/python"
    if not python.exists():
        python.symlink_to(f"python3.{sys.version_info.minor}")


def check(folder: Path) -> list[dict[str, object]]:
    """Build the image in a folder, and live through two lives of it; what each one found."""
    images: dict[str, Image] = {}
    for stage in read(ROOT / "Containerfile"):
        print(f"FROM {stage.base} ({stage.name})", flush=True)
        images[stage.name] = Image(stage, folder / stage.name)
        images[stage.name].build(images)
    image, volume = list(images.values())[-1], folder / "volume"
    # A new volume is a copy of what the image has there, with its owner and rights.
    place = image.folder / image.stage.last("VOLUME").rest.lstrip("/")
    shutil.copytree(place, volume)
    shutil.copystat(place, volume)
    os.chown(volume, place.stat().st_uid, place.stat().st_gid)
    first = image.live(volume, {"session": None, "secret": None})
    return [first, image.live(volume, {"session": first["session"], "secret": first["secret"]})]


def main() -> None:
    """Check, and say what was seen."""
    parser = argparse.ArgumentParser(description="Proof of the image without a container engine.")
    parser.add_argument("--keep", type=Path, help="folder to build in, which stays")
    keep = parser.parse_args().keep
    if os.geteuid() != 0 or shutil.which("bwrap") is None:
        print("Esta prueba necesita root y bubblewrap (apt-get install bubblewrap).", file=sys.stderr)
        sys.exit(UNABLE)
    folder = keep or Path(tempfile.mkdtemp(prefix="guiado-container-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # the image's user passes through it
    try:
        for life in check(folder):
            print(json.dumps({name: seen for name, seen in life.items() if name != "secret"}))
    finally:
        if not keep:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
