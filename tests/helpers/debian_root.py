"""An image made without a Docker engine: the steps of a Dockerfile, carried out in a bare Debian root, and run there.

    root = build(folder, dockerfile_text, context)     # as root, with debootstrap: a minute and what pip takes
    with Container(root, image) as container: ...      # namespaces of its own, the first process as the image says

Only the base differs: Debian's own Python 3.11 in an environment at /usr/local, as in `python:3.11-slim`.
"""

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.helpers.browser import poll
from tests.helpers.dockerfile import Image, context_files

BASE = "python3,python3-venv,ca-certificates"
MIRRORS = ("/etc/pip.conf", "/root/.config/pip/pip.conf")  # a machine whose package index is a mirror names it here
FOLDERS = ("/opt/wheels", "/opt/pypi", "/opt/pypi-more", "/etc/ssl/certs")  # and has its files here
PIP = ("PIP_CERT", "PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_DEFAULT_TIMEOUT")


def missing() -> str:
    """What this machine lacks to make such a root; "" where nothing."""
    lacking = [tool for tool in ("debootstrap", "unshare", "chroot") if shutil.which(tool) is None]
    return "root" if os.geteuid() else ", ".join(lacking)


def make_base(folder: Path) -> None:
    """A Debian with the Python of the base image, as small as debootstrap makes it."""
    command = ["unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={BASE}", "bookworm", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    run(folder, "python3 -m venv /usr/local", "/", {})


def build(folder: Path, image: Image, context: Path) -> None:
    """Carry out the steps of a Dockerfile in a base that `make_base` made."""
    ignore = (context / ".dockerignore").read_text()
    for kind, text, workdir in image.steps:
        inside = folder / workdir.strip("/")
        inside.mkdir(parents=True, exist_ok=True)
        if kind == "RUN":
            run(folder, text, workdir, {})
            continue
        source, target = text.split()
        names = context_files(context, ignore) if source == "." else [source]
        for name in names:
            path = inside / target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(context / name, path)  # owned by root, as COPY leaves it


def run(folder: Path, text: str, workdir: str, environment: Mapping[str, str]) -> None:
    """A shell command inside, as root, with the network of this machine and the package index that it uses."""
    binds = [path for path in FOLDERS if Path(path).exists()]
    script = [f"mount -t proc proc {folder}/proc", f"mkdir -p {' '.join(f'{folder}{path}' for path in binds)}"]
    script += [f"mount --rbind {path} {folder}{path}" for path in binds]
    for path in (*MIRRORS, "/etc/resolv.conf"):
        if Path(path).exists():
            (folder / path.strip("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / path.strip("/"))
    variables = {
        "PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
        "DEBIAN_FRONTEND": "noninteractive",
    }
    variables |= {"HOME": "/root"} | {name: os.environ[name] for name in PIP if name in os.environ} | dict(environment)
    inner = f"cd {shlex.quote(workdir)} && {text}"
    script.append(f"exec chroot {folder} /bin/sh -c {shlex.quote(inner)}")
    command = ["unshare", "--mount", "--pid", "--fork", "sh", "-ec", "\n".join(script)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, f"{text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


class Container:
    """The image's first process in namespaces of its own, with its disk read-only but for /data and /tmp."""

    def __init__(self, folder: Path, image: Image, log: Path, **environment: str) -> None:
        self.folder, self.image, self.log = folder, image, log
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None
        self.first = 0  # the first process, by its number on this machine

    def start(self) -> None:
        root = self.folder
        (root / "dev/shm").mkdir(exist_ok=True)
        script = "\n".join(
            [
                "mount --make-rprivate /",
                f"mount --bind {root} {root}",
                f"mount --bind {root}/data {root}/data",
                f"mount -o remount,bind,ro {root}",
                f"mount -t proc proc {root}/proc",
                f"mount -t tmpfs tmpfs {root}/tmp",
                f"mount --rbind /dev {root}/dev",
                f"cd {root}",
                f"exec chroot --userspec={self.image.user}:{self.image.user} {root} /bin/sh -c "
                + shlex.quote(
                    f"cd {self.image.folder} && exec {shlex.join(self.image.entrypoint + self.image.command)}"
                ),
            ]
        )
        variables = (
            {"PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"}
            | self.image.environment
            | self.environment
        )
        command = ["unshare", "--mount", "--pid", "--fork", "sh", "-ec", script]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)

    def processes(self) -> list[int]:
        """Every process inside, the first first, by its number on this machine."""
        assert self.process is not None
        found, waiting = [], [self.process.pid]
        while waiting:
            pid = waiting.pop(0)
            try:
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            except OSError:
                continue
            found += map(int, children)
            waiting += map(int, children)
        return found

    def terminate(self) -> None:
        """Send SIGTERM to the first process inside, as `docker stop` does."""
        os.kill(self.processes()[0], signal.SIGTERM)

    def __enter__(self) -> "Container":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        left = self.processes()
        if left:  # with the first process the kernel ends all of its namespace
            os.kill(left[0], signal.SIGKILL)
        self.process.wait()
        poll(lambda: not any(map(is_running, left)), what="the end of the container")


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended; one that nobody has waited for is still listed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
