"""Portability: every module imports, and a run trains, without the features only Linux has."""

import subprocess
import sys
import textwrap
from pathlib import Path

from tests.conftest import TINY, command_environment

HIDE = """
    import builtins, io, os, pkgutil, platform, signal, sys
    from importlib import import_module
    from pathlib import Path

    HIDDEN_MODULES = ("fcntl", "resource")
    HIDDEN_NAMES = {
        os: ("sched_getaffinity", "posix_fallocate", "EX_SOFTWARE", "wait4", "getloadavg"),
        signal: ("SIGHUP", "pthread_sigmask"),
    }
    for module, names in HIDDEN_NAMES.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    platform.libc_ver = lambda *_, **__: ("", "")

    # Other packages detect the system, so modules are hidden only from dcgan, and from filelock,
    # which has a fallback.
    real_import = builtins.__import__

    def import_unless_hidden(name, globals=None, *others, **named):
        importer = (globals or {}).get("__name__", "").partition(".")[0]
        if name in HIDDEN_MODULES and importer in ("dcgan", "filelock"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real_import(name, globals, *others, **named)

    builtins.__import__ = import_unless_hidden

    def without_proc(function):
        def call(path=".", *args, **kwargs):
            if isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith("/proc"):
                raise FileNotFoundError(2, "No such file or directory", os.fspath(path))
            return function(path, *args, **kwargs)
        return call

    builtins.open = io.open = without_proc(io.open)
    for name in ("stat", "lstat", "listdir", "scandir", "open"):
        setattr(os, name, without_proc(getattr(os, name)))
"""

CHECK = """
    # Check that the features are really hidden; otherwise the test could not fail.
    for name in HIDDEN_MODULES:
        try:
            exec(f"import {name}", {"__name__": "dcgan.probe", "__builtins__": builtins})
        except ModuleNotFoundError:
            continue
        raise AssertionError(name)
    for path in (Path("/proc"), Path("/proc/cpuinfo")):
        assert not path.exists() and not path.is_file() and not list(path.glob("*"))
"""

IMPORT_AND_TRAIN = """
    import dcgan

    failed = {}
    for module in pkgutil.walk_packages(dcgan.__path__, "dcgan."):
        try:
            import_module(module.name)
        except Exception as error:
            failed[module.name] = repr(error)
    assert not failed, failed
    from dcgan.commands.train import main

    main()
"""


def test_everything_imports_and_trains_without_linux_only_features(tmp_path: Path) -> None:
    script = textwrap.dedent(HIDE) + textwrap.dedent(CHECK) + textwrap.dedent(IMPORT_AND_TRAIN)
    # Use a separate cache: without fcntl, locks are files that must not exist yet.
    cache = f"data.cache_dir={tmp_path / 'cache'}"
    done = subprocess.run(
        [sys.executable, "-c", script, *TINY, cache, "hydra.run.dir=run"],
        cwd=tmp_path,
        env=command_environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "result.json").is_file()
