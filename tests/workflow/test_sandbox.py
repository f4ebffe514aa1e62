"""What generated code tries to get away with, and doesn't. Each attempt is real code in the real sandbox."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from pathlib import Path

import psutil
import pytest

from tests.workflow.backends import backend_of
from workbench.domain.errors import ToolUnavailable
from workbench.workflow import namespaces, sandbox
from workbench.workflow.process import Caps, Outcome, run
from workbench.workflow.sandbox import Backend, CleanProcess, Toolbox

pytestmark = pytest.mark.sandbox

CAPS = Caps(timeout_s=20, memory_mb=512)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app's folder."""
    folder = tmp_path / "home" / "apps" / "generated" / "run_x"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(params=["bubblewrap", "namespaces"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each sandbox that works here."""
    return backend_of(request.param)


async def jailed(backend: Backend, app: Path, code: str, *, caps: Caps = CAPS) -> Outcome:
    """Run Python code in the sandbox."""
    (app / "attempt.py").write_text(code)
    launch = backend.wrap(["python3", "attempt.py"], app=app, tools=Toolbox(), env={})
    return await run(launch.argv, env=launch.env, cwd=launch.cwd, caps=caps)


async def said(backend: Backend, app: Path, code: str) -> str:
    """Return what the code printed; it must end well."""
    outcome = await jailed(backend, app, code)
    assert outcome.exit_code == 0, outcome.output.decode(errors="replace")
    return outcome.output.decode().strip()


async def test_the_home_is_not_there(backend: Backend, app: Path) -> None:
    """Neither the user's home nor the workbench's own .env can be read."""
    home = app.parents[2]
    (home / ".env").write_text("LITELLM_MASTER_KEY=sk-wb-secret")
    code = f"""
import os
for path in ({str(home / ".env")!r}, os.path.expanduser("~root/.ssh"), "/root", "/etc/shadow", "/etc/passwd"):
    try:
        print(path, os.listdir(path) if os.path.isdir(path) else open(path).read())
    except OSError as error:
        print("refused")
"""
    assert set((await said(backend, app, code)).split("\n")) == {"refused"}


async def test_our_environment_does_not_leak(
    backend: Backend, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key in our environment is neither in the program's nor in any process's that it can see."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    code = """
import glob, os
seen = repr(dict(os.environ))
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        seen += repr(open(path, "rb").read())
    except OSError:
        pass
print("sk-very-secret" in seen, sorted(os.environ))
"""
    assert (await said(backend, app, code)).startswith("False")


@pytest.mark.parametrize(
    "attempt",
    [
        'socket.create_connection(("1.1.1.1", 53), 2)',
        'socket.getaddrinfo("example.com", 80)',
        'socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("1.1.1.1", 53))',
        'socket.create_connection(("127.0.0.1", PORT), 2)',
        'socket.socket(socket.AF_UNIX).connect("\\0wb-abstract-PORT")',
    ],
)
async def test_no_network(backend: Backend, app: Path, attempt: str) -> None:
    """TCP, names, UDP, the host's loopback and its abstract sockets can't be reached."""
    with socket.socket() as listener, socket.socket(socket.AF_UNIX) as abstract:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        abstract.bind(f"\0wb-abstract-{port}")
        abstract.listen()
        code = f"""
import socket
try:
    {attempt.replace("PORT", port)}
    print("reached")
except OSError:
    print("refused")
"""
        assert await said(backend, app, code) == "refused"


async def test_nothing_outside_the_app_can_be_written(backend: Backend, app: Path) -> None:
    """The system is read-only, and what is written to /tmp or the home is gone with the sandbox."""
    mark = f"wb-mark-{os.getpid()}"
    code = f"""
import os
for folder in ("/usr/bin", "/usr/lib", "/etc", "/bin", "/proc/sys/kernel", "/tmp", "/home/app", "/app"):
    try:
        open(os.path.join(folder, {mark!r}), "w").close()
        print("wrote", folder)
    except OSError:
        pass
"""
    assert await said(backend, app, code) == "wrote /tmp\nwrote /home/app\nwrote /app"
    assert (app / mark).exists()
    assert not any(Path(folder, mark).exists() for folder in ("/tmp", "/usr/bin", "/etc"))


async def test_the_module_store_is_read_only(backend: Backend, app: Path, tmp_path: Path) -> None:
    """A mounted store folder can be read and neither changed nor replaced."""
    store = tmp_path / "store"
    store.mkdir()
    (store / "module.js").write_text("1")
    tools = Toolbox(mounts=((store, "node_modules"),))
    script = (
        "cat node_modules/module.js; echo 2 > node_modules/module.js || mv node_modules x || echo refused"
    )
    launch = backend.wrap(["sh", "-c", script], app=app, tools=tools, env={})
    outcome = await run(launch.argv, env=launch.env, cwd=launch.cwd, caps=CAPS)
    assert outcome.output.decode().startswith("1")
    assert outcome.output.decode().endswith("refused\n")
    assert (store / "module.js").read_text() == "1"


async def test_the_history_can_not_be_changed(backend: Backend, app: Path) -> None:
    """.git is read-only inside: a planted hook or config would run outside, as us."""
    (app / ".git").mkdir()
    (app / ".git" / "config").write_text("[core]\n")
    code = """
import os
for call, *arguments in ((open, ".git/config", "a"), (os.rename, ".git", "git"), (os.mkdir, ".git/hooks")):
    try:
        call(*arguments)
        print("changed")
    except OSError:
        print("refused")
"""
    assert await said(backend, app, code) == "refused\nrefused\nrefused"


async def test_no_privileges(backend: Backend, app: Path) -> None:
    """No capability is left, mounting and new user namespaces are refused."""
    code = """
import ctypes, re
status = open("/proc/self/status").read()
print(set(re.findall(r"Cap(?:Eff|Prm|Inh|Bnd|Amb):\\s*0*([0-9a-f]+)", status)) <= {"0"})
libc = ctypes.CDLL(None, use_errno=True)
print(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None), libc.unshare(0x10000000), libc.chroot(b"/app"))
"""
    assert await said(backend, app, code) == "True\n-1 -1 -1"


async def test_other_processes_are_not_seen(backend: Backend, app: Path) -> None:
    """Only the sandbox's own processes are there, and none of ours can be signalled."""
    code = f"""
import os
print(len([name for name in os.listdir("/proc") if name.isdigit()]) < 5)
try:
    os.kill({os.getpid()}, 0)
    print("seen")
except ProcessLookupError:
    print("gone")
"""
    assert await said(backend, app, code) == "True\ngone"


async def test_a_fork_bomb_is_ended(backend: Backend, app: Path) -> None:
    """The tree is killed when it has more processes than the cap, and none of it is left."""
    code = """
import os, time
for _ in range(12):  # doubles each time: 4096 if nobody ended it, and no more, for the machine's sake
    os.fork()
    time.sleep(0.05)
time.sleep(60)
"""
    outcome = await jailed(backend, app, code, caps=Caps(timeout_s=30, processes=64))
    assert outcome.exit_code is None
    assert outcome.killed == "more than 64 processes"
    assert not _running("attempt.py")


async def test_memory_is_capped(backend: Backend, app: Path) -> None:
    """A tree that uses more memory than its cap is killed."""
    code = "import time\nhog = [bytearray(b'x' * (8 << 20)) for _ in range(60)]\ntime.sleep(30)"
    outcome = await jailed(backend, app, code, caps=Caps(timeout_s=25, memory_mb=128))
    assert outcome.killed == "memory over 128 MB"


async def test_filling_the_disk_is_ended(backend: Backend, app: Path) -> None:
    """The app's folder has a cap; the command that breaks it is killed."""
    code = """
import time
for number in range(1000):
    open(f"big{number}", "wb").write(b"x" * (4 << 20))
    time.sleep(0.02)
"""
    outcome = await jailed(backend, app, code, caps=Caps(timeout_s=30, folder=app, folder_mb=64))
    assert outcome.killed == "the app's folder grew over 64 MB"


async def test_one_file_can_not_grow_without_end(backend: Backend, app: Path) -> None:
    """A single file stops at the size limit."""
    code = """
import os, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    os.posix_fallocate(os.open("huge", os.O_CREAT | os.O_WRONLY), 0, 3 << 30)
    print("grew")
except OSError as error:
    print(error.errno)
"""
    assert await said(backend, app, code) == "27"


async def test_endless_output_is_cut(backend: Backend, app: Path) -> None:
    """Output above the cap is read and dropped; its beginning and its end are kept."""
    code = "import sys\nfor number in range(300000):\n    sys.stdout.write(f'line {number}\\n')"
    outcome = await jailed(backend, app, code, caps=Caps(timeout_s=30, output_kb=64))
    assert len(outcome.output) < 66 * 1024
    assert outcome.dropped > 1_000_000
    assert outcome.output.startswith(b"line 0\n")
    assert outcome.output.endswith(b"line 299999\n")


@pytest.mark.parametrize("isolated", [True, False])
async def test_a_program_deaf_to_sigterm_ends_at_its_timeout(
    backend: Backend, app: Path, isolated: bool
) -> None:
    """Ignoring every signal and starting double-setsid children does not outlive the timeout."""
    tag = f"wb-deaf-{os.getpid()}-{isolated}"
    (app / "attempt.py").write_text(f"""
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        os.execvp("python3", ["python3", "-c", "import time; time.sleep(60)", {tag!r}])
    os._exit(0)
print("ready", flush=True)
time.sleep(60)
""")
    chosen = backend if isolated else CleanProcess()
    launch = chosen.wrap(["python3", "attempt.py", tag], app=app, tools=Toolbox(), env={})
    outcome = await run(launch.argv, env=launch.env, cwd=launch.cwd, caps=Caps(timeout_s=2))
    assert outcome.killed == "timeout after 2 s"
    assert not _running(tag)


async def test_children_left_behind_end_with_the_program(backend: Backend, app: Path) -> None:
    """A program that ends and leaves a daemon behind leaves nothing, with a sandbox and without."""
    for chosen in (backend, CleanProcess()):
        tag = f"wb-daemon-{os.getpid()}-{chosen.isolated}"
        script = f"setsid sh -c 'setsid sleep 60 # {tag}' & exit 0"
        launch = chosen.wrap(["sh", "-c", script], app=app, tools=Toolbox(), env={})
        began = time.monotonic()
        outcome = await run(launch.argv, env=launch.env, cwd=launch.cwd, caps=CAPS)
        assert outcome.exit_code == 0
        assert time.monotonic() - began < 15
        assert not _running(tag)


async def test_cancelling_kills_the_tree(backend: Backend, app: Path) -> None:
    """A cancelled command is gone when the cancellation is through."""
    tag = f"wb-cancel-{os.getpid()}"
    argv = ["python3", "-c", "import time; print('up', flush=True); time.sleep(60)", tag]
    launch = backend.wrap(argv, app=app, tools=Toolbox(), env={})
    up = asyncio.Event()

    async def hear(data: bytes) -> None:
        up.set()

    task = asyncio.create_task(run(launch.argv, env=launch.env, cwd=launch.cwd, caps=CAPS, on_output=hear))
    await up.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not _running(tag)


async def test_cancelling_at_any_moment_leaves_nothing(backend: Backend, app: Path) -> None:
    """A command that is cancelled while its sandbox is still being made is gone, too."""
    for number in range(30):
        tag = f"wb-early-{os.getpid()}-{number}"
        launch = backend.wrap(["sleep", "60"], app=app, tools=Toolbox(), env={"TAG": tag})
        task = asyncio.create_task(run(launch.argv, env=launch.env, cwd=launch.cwd, caps=CAPS))
        await asyncio.sleep(number / 1500)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    left = _running(f"wb-early-{os.getpid()}") + _running(str(app))
    assert left == []


def test_a_real_models_code_is_refused_without_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without bwrap: exit 5 with a hint; the demo's own code and an explicit flag go on, and are named."""
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    monkeypatch.setattr(namespaces, "problem", lambda: "no namespaces")
    with pytest.raises(ToolUnavailable) as refused:
        sandbox.choose(trusted=False)
    assert refused.value.exit_code == 5
    assert "--unsafe-no-sandbox" in str(refused.value.hint)
    assert sandbox.choose(trusted=True).name == "none (clean process)"
    assert sandbox.choose(trusted=False, unsafe=True).isolated is False


async def test_a_clean_process_has_a_clean_environment(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside the sandbox our environment is not handed on either."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    launch = CleanProcess().wrap(["env"], app=app, tools=Toolbox(), env={"X": "1"})
    outcome = await run(launch.argv, env=launch.env, cwd=launch.cwd, caps=CAPS)
    assert b"sk-very-secret" not in outcome.output
    assert b"X=1" in outcome.output


def _running(tag: str) -> list[int]:
    """Return the pids of processes with `tag` in their command line that are not zombies."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or [])
        if tag in line and process.info["status"] != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
            found.append(process.pid)
    return found
