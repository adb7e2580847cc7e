"""The embedded PostgreSQL, with real servers: shared, killed, adopted, and never left behind."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from clusters import clean_up, open_folder, wheel_binaries

from guiado.errors import DatabaseUnavailable
from guiado.store.embedded import EmbeddedPostgres, binaries, cluster_paths, locks, os_account, postmaster, watchdog
from guiado.store.embedded.cluster_paths import ClusterPaths, find_folder

SOURCE = Path(__file__).parents[2] / "src"
SYSTEM_BINS = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").is_file()]
AS_ROOT = os.geteuid() == 0
# A process that shares the server: it calls the method named by each line and prints the answer.
USER = """
import sys
from pathlib import Path
from guiado.store.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), pg_bin=Path(sys.argv[2]))
for line in sys.stdin:
    print(getattr(server, line.strip())(), flush=True)
"""


@pytest.fixture(scope="module")
def seed():
    """A home with a finished, stopped cluster, to copy: initdb is most of the time."""
    home = open_folder()
    try:
        server = EmbeddedPostgres(home, pg_bin=wheel_binaries())
        server.join()
        server.leave()
        yield home
    finally:
        clean_up(home)


@pytest.fixture
def empty_home():
    home = open_folder()
    yield home
    clean_up(home)


@pytest.fixture
def home(seed, empty_home):
    subprocess.run(["cp", "-a", f"{seed}/.", empty_home], check=True)
    return empty_home


@pytest.fixture
def users(empty_home):
    """Starts processes that share the server; all are gone at the end."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", USER, empty_home, wheel_binaries()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), *sys.path])},
        )
        started.append(process)
        return process

    yield start
    for process in started:  # told to end, not killed: what a killed one ran through is not measured
        with suppress(BrokenPipeError):
            process.stdin.close()
    for process in started:
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def embedded(home):
    server = EmbeddedPostgres(home, pg_bin=wheel_binaries())
    yield server
    server.leave()


def tell(process, word):
    process.stdin.write(f"{word}\n")
    process.stdin.flush()


def answer(process):
    return process.stdout.readline().strip()


def ask(process, word):
    tell(process, word)
    return answer(process)


def psql(dsn, sql, **environment):
    done = subprocess.run(
        [wheel_binaries() / "psql", dsn, "-AtXqw", "-v", "ON_ERROR_STOP=1", "-c", sql],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", **environment},
    )
    return done.stdout.strip() if done.returncode == 0 else f"ERROR {done.stderr.strip()}"


def wait_for(condition, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)
    return value


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def ended(pid):
    """Whether a process that has given back its memory, or will in a moment, is gone; well before the watcher would act."""
    return wait_for(lambda: gone(pid), 3.0)


def two_lines(caught):
    lines = str(caught.value).splitlines()
    assert len(lines) == 2, lines
    return lines


def test_first_start_serves_a_safe_utf8_database_and_the_rows_survive_a_stop(empty_home):
    server = EmbeddedPostgres(empty_home, pg_bin=wheel_binaries())
    assert server.dsn() is None
    assert not server.status().running
    dsn = server.join()
    assert psql(dsn, "CREATE TABLE t AS SELECT 'ñandú' AS word; SELECT upper(word), current_user FROM t") == "ÑANDÚ|guiado"
    facts = "SELECT current_setting('fsync'), current_setting('data_checksums'), current_setting('listen_addresses'), current_setting('TimeZone')"
    assert psql(dsn, facts) == "on|on||UTC"
    status = server.status()
    assert (status.running, status.version.partition(".")[0], status.binaries) == (True, "18", wheel_binaries())
    server.leave()
    server.leave()
    assert ended(status.pid)
    assert not server.status().running
    assert server.dsn() == dsn
    assert psql(server.join(), "SELECT count(*) FROM t") == "1"
    server.leave()


@pytest.mark.skipif(not SYSTEM_BINS, reason="no PostgreSQL of the system under /usr/lib/postgresql")
def test_a_postgresql_of_the_system_comes_before_the_wheel(empty_home):
    server = EmbeddedPostgres(empty_home)
    try:
        dsn = server.join()
        newest = max(int(path.parent.name) for path in SYSTEM_BINS)
        assert psql(dsn, "SHOW server_version_num").startswith(str(newest))
        assert psql(dsn, "SELECT current_database()") == "guiado"
    finally:
        server.leave()


def test_two_processes_share_one_server_and_the_last_one_stops_it(home, users, embedded):
    first, second = users(), users()
    assert ask(first, "join") == ask(second, "join") == embedded.dsn()
    pid = embedded.status().pid
    ask(first, "leave")
    assert psql(embedded.dsn(), "SELECT 1") == "1"
    assert embedded.status().pid == pid
    ask(second, "leave")
    assert ended(pid)


def test_a_process_that_ends_without_leaving_stops_the_server_too(home, users, embedded):
    process = users()
    ask(process, "join")
    pid = embedded.status().pid
    process.stdin.close()
    assert process.wait(30) == 0
    assert ended(pid)


def test_a_killed_server_comes_back_with_its_rows(embedded):
    dsn = embedded.join()
    assert psql(dsn, "CREATE TABLE t AS SELECT generate_series(1, 1000)") == ""
    pid = embedded.status().pid
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: gone(pid))
    assert psql(embedded.ensure(), "SELECT count(*) FROM t") == "1000"
    assert embedded.status().pid != pid


def test_another_process_recovers_a_server_that_was_killed_under_its_parent(home, users, embedded):
    parent = users()
    ask(parent, "join")
    pid = embedded.status().pid
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: gone(pid))  # a zombie: its parent does not look
    assert psql(embedded.join(), "SELECT 1") == "1"
    assert ask(parent, "ensure") == embedded.dsn()


def test_a_server_outlives_its_killed_owner_and_is_adopted(home, users, embedded):
    owner = users()
    ask(owner, "join")
    pid = embedded.status().pid
    owner.kill()
    owner.wait()
    assert psql(embedded.join(), "SELECT 1") == "1"
    assert embedded.status().pid == pid
    embedded.leave()
    assert ended(pid)


def test_four_processes_that_start_at_once_make_one_cluster_and_one_server(empty_home, users):
    processes = [users() for _ in range(4)]
    for process in processes:
        tell(process, "join")
    assert len({answer(process) for process in processes}) == 1
    assert (empty_home / "postgres/postgres.log").read_text().count("starting PostgreSQL") == 1


def test_a_start_that_was_killed_half_way_leaves_nothing_behind(empty_home, users):
    process = users()
    tell(process, "join")
    wait_for(lambda: list(empty_home.glob("postgres/new-*/base")))
    process.kill()
    process.wait()
    assert EmbeddedPostgres(empty_home).dsn() is None
    assert psql(ask(users(), "join"), "SELECT 1") == "1"
    assert list(empty_home.glob("postgres/new-*")) == []


def test_a_stale_pid_file_that_names_a_living_stranger_does_not_stop_the_start(home, embedded, users):
    stranger = users()
    (home / "postgres/data/postmaster.pid").write_text(f"{stranger.pid}\n/nowhere\n0\n5432\n/nowhere\n\n\nready\n")
    assert not embedded.status().running
    assert psql(embedded.join(), "SELECT 1") == "1"
    assert stranger.poll() is None


def test_a_server_of_another_container_with_the_same_volume_is_left_alone(home, embedded, monkeypatch):
    embedded.join()
    said = (home / "postgres/data/postmaster.pid").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(postmaster, "_is_alive", lambda _pid, _data: False)  # its process number means nothing there
        with pytest.raises(DatabaseUnavailable, match="otro contenedor") as caught:
            EmbeddedPostgres(home, pg_bin=wheel_binaries()).join()
    two_lines(caught)
    assert (home / "postgres/data/postmaster.pid").read_bytes() == said
    assert psql(embedded.ensure(), "SELECT 1") == "1"


def test_the_watcher_stays_while_somebody_keeps_the_home_for_long(home, embedded):
    embedded.join()
    with locks.exclusive(home / "start.lock", 1):  # as db restore does, for hours
        assert watchdog._is_needed(home, 60.0)
    assert embedded.status().running


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_uses_the_server_and_its_end_does_not_stop_it(embedded):
    embedded.join()
    pid = embedded.status().pid
    child = os.fork()
    if child == 0:
        try:
            embedded.leave()
            embedded.ensure()
            embedded.leave()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert embedded.status().pid == pid
    embedded.leave()
    assert ended(pid)


def test_two_objects_in_one_process_do_not_block_each_other(home, embedded):
    other = EmbeddedPostgres(home, pg_bin=wheel_binaries())
    assert embedded.join() == other.join()
    pid = embedded.status().pid
    embedded.leave()
    assert psql(other.ensure(), "SELECT 1") == "1"
    other.leave()
    assert ended(pid)


def test_a_home_with_a_very_long_path_still_gets_a_socket(home):
    deep = home / ("carpeta con espacios " * 6).strip()
    deep.mkdir(mode=0o755)
    (home / "postgres").rename(deep / "postgres")
    server = EmbeddedPostgres(deep, pg_bin=wheel_binaries())
    sockets = cluster_paths.socket_folder(ClusterPaths(deep / "postgres", None))
    sockets.symlink_to(home)  # anybody can put something at that place
    with pytest.raises(DatabaseUnavailable) as caught:
        server.join()
    assert str(sockets) in two_lines(caught)[0]
    sockets.unlink()
    sockets.mkdir(mode=0o755)  # ours, but open
    try:
        dsn = server.join()
        assert psql(dsn, "SELECT 1") == "1"
        assert sockets == Path(re.search(r"host=([^&]+)", dsn)[1])
        assert sockets.stat().st_mode & 0o777 == 0o700
    finally:
        server.leave()
        postmaster.stop(deep / "postgres/data")
    shutil.rmtree(sockets)


def test_over_tcp_the_password_is_asked_for(home):
    server = EmbeddedPostgres(home, pg_bin=wheel_binaries(), use_tcp=True)
    try:
        dsn = server.join()
        password, port = re.fullmatch(r"postgresql://guiado:(.+)@127\.0\.0\.1:(\d+)/guiado", dsn).groups()
        assert psql(dsn, "SELECT current_setting('unix_socket_directories')") == ""
        bare = f"postgresql://guiado@127.0.0.1:{port}/guiado"
        assert "no password supplied" in psql(bare, "SELECT 1")
        assert "password authentication failed" in psql(bare, "SELECT 1", PGPASSWORD=password + "x")
        assert (home / "postgres/password").stat().st_mode & 0o077 == 0
        server.leave()
        assert server.join() == dsn  # the pool's address stays valid
    finally:
        server.leave()


@pytest.mark.skipif(not AS_ROOT, reason="only root has to lend the server to another user")
def test_as_root_a_closed_home_gets_its_cluster_elsewhere_and_keeps_it(empty_home, monkeypatch):
    shared = empty_home / "shared"
    monkeypatch.setattr(cluster_paths, "SHARED_FOLDER", shared)
    home = empty_home / "home"
    home.mkdir(mode=0o700)
    server = EmbeddedPostgres(home, pg_bin=wheel_binaries())
    try:
        dsn = server.join()
        assert psql(dsn, "CREATE TABLE t()") == ""
        server.leave()
        folder = find_folder(home)
        assert folder.parent == shared
        home.chmod(0o755)  # open by now, but the decision stays
        assert psql(server.join(), "SELECT count(*) FROM t") == "0"
        server.leave()
        moved = folder.rename(folder.with_name(f"{folder.name}-moved"))
        with pytest.raises(DatabaseUnavailable) as caught:
            server.join()
        moved.rename(folder)
        assert "postgres.path" in two_lines(caught)[1]
        shutil.rmtree(home)
        assert psql(server.join(), "SELECT to_regclass('t') IS NULL") == "t"  # a new home at the same path is empty
        assert find_folder(home) != folder
    finally:
        server.leave()
        postmaster.stop(find_folder(home) / "data")


@pytest.mark.skipif(not AS_ROOT, reason="only root has to lend the programs to another user")
def test_as_root_programs_in_a_closed_folder_are_copied_for_the_server_user(empty_home, monkeypatch):
    monkeypatch.setattr(binaries, "SHARED_FOLDER", empty_home / "shared")
    closed = empty_home / "closed"
    closed.mkdir(mode=0o700)
    package = wheel_binaries().parents[1]
    shutil.copytree(wheel_binaries().parent, closed / package.name / "pginstall18", symlinks=True)
    shutil.copytree(package.with_name(f"{package.name}.libs"), closed / f"{package.name}.libs")
    folder = closed / package.name / "pginstall18/bin"
    account = os_account.choose_account(empty_home / "none", empty_home)
    assert binaries.read_version(folder, account) is None
    killed = empty_home / "shared/bin/new-abc"
    killed.mkdir(parents=True)  # what a killed process had copied
    for each in killed.parents[:2]:
        each.chmod(0o755)
    found = binaries.runnable_by(binaries.Binaries(folder, "18.4"), account)
    assert binaries.read_version(found.folder, account)
    assert os_account.run_as([found.program("psql"), "--version"], account).returncode == 0
    assert binaries.runnable_by(binaries.Binaries(folder, "18.4"), account) == found
    assert not killed.exists()
    (empty_home / "shared").chmod(0o700)
    with pytest.raises(DatabaseUnavailable) as caught:
        binaries.runnable_by(binaries.Binaries(folder, "18.4"), account)
    assert account.name in two_lines(caught)[0]


def test_an_ordinary_user_needs_nothing_from_root(empty_home):
    python = next((one for one in (sys.executable, "/usr/bin/python3") if _runs_as_nobody(one)), None)
    if python is None:
        pytest.skip("no Python here that the user nobody can execute")
    if AS_ROOT:
        os.chown(empty_home, 65534, 65534)
    program = "import sys; from pathlib import Path; from guiado.store.embedded import *; s = EmbeddedPostgres(Path(sys.argv[1]), pg_bin=Path(sys.argv[2])); print(s.join()); print(s.status().pid); s.leave()"
    done = _as_nobody([python, "-c", program, empty_home, wheel_binaries()])
    assert done.returncode == 0, done.stderr
    dsn, pid = done.stdout.split()
    assert dsn.startswith("postgresql://guiado@/guiado?host=")
    assert ended(pid)
    assert (empty_home / "postgres/data").stat().st_uid == empty_home.stat().st_uid


def _as_nobody(command):
    # Run as it is when the tests already run as an ordinary user.
    site_packages = Path(importlib.util.find_spec("platformdirs").origin).parents[1]
    environment = {"PYTHONPATH": f"{SOURCE}:{site_packages}", "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    identity = {"user": 65534, "group": 65534, "extra_groups": []} if AS_ROOT else {}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env=environment, **identity)


def _runs_as_nobody(python):
    try:
        return (
            _as_nobody([python, "-c", "import sys, guiado.store.embedded; sys.exit(sys.version_info < (3, 11))"]).returncode == 0
        )
    except OSError:
        return False


def test_a_folder_that_is_no_cluster_is_named_and_left_alone(empty_home):
    data = empty_home / "postgres/data"
    data.mkdir(parents=True)
    (data / "fotos.txt").write_text("mías")
    with pytest.raises(DatabaseUnavailable) as caught:
        EmbeddedPostgres(empty_home, pg_bin=wheel_binaries()).join()
    assert str(data) in two_lines(caught)[0]
    assert (data / "fotos.txt").read_text() == "mías"


def test_data_of_a_version_that_nobody_has_says_which_one_to_install(home):
    (home / "postgres/data/PG_VERSION").write_text("9\n")
    with pytest.raises(DatabaseUnavailable) as caught:
        EmbeddedPostgres(home, pg_bin=wheel_binaries()).join()
    assert "Instala PostgreSQL 9" in two_lines(caught)[1]


def test_a_wrong_pg_bin_is_named(empty_home):
    with pytest.raises(DatabaseUnavailable) as caught:
        EmbeddedPostgres(empty_home, pg_bin=empty_home).join()
    assert two_lines(caught)[0].startswith(f"PG_BIN: en {empty_home}")


def test_a_machine_without_postgresql_is_told_the_ways_out(empty_home, monkeypatch):
    monkeypatch.setattr(binaries, "_SYSTEM_FOLDERS", ())
    monkeypatch.setattr(binaries, "_WHEEL", "no_such_wheel")
    monkeypatch.setenv("PATH", str(empty_home))
    for lies in (False, True):  # a pg_config without its PostgreSQL is what remains of some removals
        if lies:
            (empty_home / "pg_config").write_text("#!/bin/sh\nexit 1\n")
            (empty_home / "pg_config").chmod(0o755)
        with pytest.raises(DatabaseUnavailable) as caught:
            EmbeddedPostgres(empty_home / "home").join()
        assert "PG_BIN" in two_lines(caught)[1]
        assert "DATABASE_URL" in two_lines(caught)[1]


def test_a_system_without_locks_is_told_the_way_out(empty_home, monkeypatch):
    monkeypatch.setattr(locks, "fcntl", None)
    with pytest.raises(DatabaseUnavailable) as caught:
        EmbeddedPostgres(empty_home / "home").join()
    assert "DATABASE_URL" in two_lines(caught)[1]
    assert not (empty_home / "home").exists()


@pytest.mark.skipif(not AS_ROOT, reason="only root has to lend the server to another user")
def test_as_root_what_the_server_user_cannot_use_is_named(home, embedded, monkeypatch):
    home.chmod(0o700)  # it was open when the cluster was made
    with pytest.raises(DatabaseUnavailable) as caught:
        embedded.join()
    assert "chmod o+x" in two_lines(caught)[1]
    (home / "postgres.path").write_text("/etc\n")  # whoever owns the home must not lead root there
    with pytest.raises(DatabaseUnavailable) as caught:
        embedded.join()
    (home / "postgres.path").unlink()
    assert "/etc" in two_lines(caught)[0]
    monkeypatch.setattr(os_account, "_USUAL_ACCOUNTS", ())
    with pytest.raises(DatabaseUnavailable) as caught:
        EmbeddedPostgres(home / "new").join()
    assert "root" in two_lines(caught)[0]


def broken_initdb(folder, answer):
    """Programs whose initdb says its version, and on everything else does what the shell script `answer` says."""
    (folder / "initdb").write_text(f"#!/bin/sh\n{answer}\n")
    (folder / "initdb").chmod(0o755)
    for name in ("postgres", "psql"):
        (folder / name).symlink_to(wheel_binaries() / name)
    return folder


# What initdb says each time, whatever becomes of it.
PROGRESS = "echo 'selecting dynamic shared memory implementation ... posix'; echo 'creating configuration files ... ok'"


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("could not get shared memory", "memoria compartida"),
        ("could not look up effective user ID 4711: user does not exist", "useradd"),
        ("No space left on device", "Libera espacio"),
        ("se rompió", "se rompió"),
    ],
)
def test_a_cluster_that_cannot_be_made_says_why_and_leaves_nothing(empty_home, monkeypatch, said, named):
    monkeypatch.setattr(binaries, "runnable_by", lambda found, _account: found)
    programs = empty_home / "bin"
    programs.mkdir(mode=0o755)
    server = EmbeddedPostgres(empty_home, pg_bin=broken_initdb(programs, f"{PROGRESS}; echo 'initdb: error: {said}' >&2; exit 1"))
    with pytest.raises(DatabaseUnavailable) as caught:
        server.join()
    assert named in " ".join(two_lines(caught))
    assert list(empty_home.glob("postgres/new-*")) == []
    assert server.dsn() is None


def test_a_system_without_the_usual_locales_gets_a_utf8_database_all_the_same(empty_home):
    programs = empty_home / "bin"
    programs.mkdir(mode=0o755)
    lacks = 'case "$*" in *C.UTF-8*) echo "initdb: error: invalid locale name" >&2; exit 1;; esac'
    server = EmbeddedPostgres(empty_home, pg_bin=broken_initdb(programs, f'{lacks}; exec {wheel_binaries()}/initdb "$@"'))
    (empty_home / "postgres/new-abc").mkdir(parents=True)  # what a killed process left
    (empty_home / "postgres").chmod(0o755)
    try:
        assert psql(server.join(), "SELECT current_setting('server_encoding')") == "UTF8"
        assert not (empty_home / "postgres/new-abc").exists()
    finally:
        server.leave()


def test_a_home_that_cannot_be_made_is_named(empty_home):
    (empty_home / "file").touch()
    with pytest.raises(DatabaseUnavailable) as caught:
        EmbeddedPostgres(empty_home / "file/home").join()
    assert "GUIADO_HOME" in two_lines(caught)[1]


def test_a_server_that_cannot_start_shows_its_last_lines_and_its_log(home, embedded):
    with (home / "postgres/data/postgresql.conf").open("a") as settings:
        settings.write("max_connections = muchas\n")
    with pytest.raises(DatabaseUnavailable) as caught:
        embedded.join()
    assert "max_connections" in str(caught.value)
    assert str(home / "postgres/postgres.log") in str(caught.value)


def test_who_asks_again_at_once_gets_the_same_refusal_without_another_try(home, embedded):
    with (home / "postgres/data/postgresql.conf").open("a") as settings:
        settings.write("max_connections = muchas\n")
    refusals = []
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable) as caught:
            embedded.ensure()
        refusals.append(caught.value)
    assert refusals[0] is refusals[1]
    assert (home / "postgres/postgres.log").read_text().count("muchas") == 1


def test_a_server_whose_socket_was_deleted_is_replaced(embedded, monkeypatch):
    monkeypatch.setattr(postmaster, "_DEAF_TIMEOUT_S", 0.05)
    dsn = embedded.join()
    pid = embedded.status().pid
    folder = Path(re.search(r"host=([^&]+)", dsn)[1])
    (folder / cluster_paths.SOCKET_NAME).unlink()
    assert psql(embedded.ensure(), "SELECT 1") == "1"
    assert ended(pid)


def test_a_server_that_recovers_for_long_is_left_alone_and_used_when_it_is_ready(home, embedded, monkeypatch):
    monkeypatch.setattr(postmaster, "_RECOVERY_TIMEOUT_S", -1.0)
    with pytest.raises(DatabaseUnavailable) as caught:
        embedded.join()
    assert "no borres nada" in two_lines(caught)[1]
    data = home / "postgres/data"
    pid = wait_for(lambda: postmaster.running_server(data)).pid
    file = data / "postmaster.pid"
    state = file.read_text()
    file.write_text(state.replace("ready", "starting"))
    with pytest.raises(DatabaseUnavailable) as caught:
        embedded.join()
    assert "no borres nada" in two_lines(caught)[1]
    file.write_text(state)
    assert psql(embedded.join(), "SELECT 1") == "1"
    assert embedded.status().pid == pid


def test_a_server_that_does_not_stop_keeps_nobody_waiting(embedded, monkeypatch):
    monkeypatch.setattr(postmaster, "_STOP_TIMEOUT_S", 0.05)
    embedded.join()
    pid = embedded.status().pid
    os.kill(pid, signal.SIGSTOP)
    try:
        embedded.leave()
        assert not gone(pid)
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: gone(pid))


def test_stopping_where_nothing_is_changes_nothing(empty_home):
    assert EmbeddedPostgres(empty_home / "none").stop()
    assert not (empty_home / "none").exists()


def test_the_watcher_shortens_the_log_and_stops_a_deserted_server_only(home, embedded, monkeypatch):
    monkeypatch.setattr(watchdog, "_POLL_S", 0.01)
    monkeypatch.setattr(watchdog, "_GRACE_S", 0.02)
    with monkeypatch.context() as frozen:
        frozen.setattr(sys, "executable", "")  # as in a frozen program: no process of its own, this test is the watcher
        embedded.join()
    pid = embedded.status().pid
    embedded.detach()
    log = home / "postgres/postgres.log"
    watcher = threading.Thread(target=watchdog.watch, args=[home])
    watcher.start()
    with log.open("ab") as file:
        file.write(b"x" * 10_000_001)
    wait_for(lambda: log.stat().st_size < 1_000_000)
    assert (home / "postgres/postgres.log.1").stat().st_size > 10_000_000
    assert embedded.status().pid == pid  # somebody wants it to run on
    (home / "keep-running").unlink()
    watcher.join(30)
    assert not watcher.is_alive()
    assert ended(pid)


def test_a_long_log_is_set_aside_at_the_start(home, embedded):
    log = home / "postgres/postgres.log"
    log.write_bytes(b"x" * 10_000_001)
    embedded.join()
    assert log.stat().st_size < 100_000
    assert (home / "postgres/postgres.log.1").stat().st_size > 10_000_000


def test_asking_for_a_running_server_is_fast(embedded):
    embedded.join()
    times_s = []
    for _ in range(50):
        begin = time.perf_counter()
        embedded.ensure()
        times_s.append(time.perf_counter() - begin)
    assert sorted(times_s)[25] < 0.005


def test_without_unix_sockets_tcp_is_the_default(home, monkeypatch):
    monkeypatch.delattr(socket, "AF_UNIX")
    assert EmbeddedPostgres(home)._tcp
