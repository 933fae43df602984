"""The C compiler, linker and archiver for every target: clang and lld out of the ``ziglang`` wheel.

Nothing of the machine's own toolchain is used, and nothing of its environment is passed on, so the same
sources give the same bytes everywhere. Triples are zig's: ``aarch64-linux-gnu.2.28``, ``aarch64-linux-musl``,
``x86_64-linux-gnu``.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tvm_mnv3.codegen.data_object import embed_binary
from tvm_mnv3.codegen.files import replacing
from tvm_mnv3.codegen.inspect_elf import inspect_shared_library
from tvm_mnv3.codegen.localize import localize
from tvm_mnv3.codegen.triple import architecture
from tvm_mnv3.errors import EnvironmentProblem

__all__ = [
    "ToolchainError",
    "UndefinedSymbolError",
    "archive",
    "cache_folder",
    "compile_c",
    "embed_binary",
    "link_executable",
    "link_object",
    "link_shared",
]

#: Code that a shared library can hold, with no trace of the machine or the moment that made it.
_EVERYWHERE = (
    "-fPIC", "-g0", "-fno-ident", "-Wall", "-Wextra", "-Werror=date-time",
    "-Werror=implicit-function-declaration",
    # zig cc instruments with UBSan unless told otherwise.
    "-fno-sanitize=all",
)  # fmt: skip

#: By the source's suffix: zig's compiler for it, and the language. C++ does without exceptions and type information.
_LANGUAGES = {
    ".c": ("cc", "-std=c99"),
    ".S": ("cc",),
    ".cc": ("c++", "-std=c++17", "-fno-exceptions", "-fno-rtti"),
}

#: Code that calls nothing but what it defines itself.
_FREESTANDING = (
    "-ffreestanding", "-fno-builtin", "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections",
    "-fno-stack-protector", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables",
)  # fmt: skip

#: Android on 16 KB pages refuses libraries whose segments are aligned to less.
_PAGES = ("-z", "max-page-size=16384", "-z", "common-page-size=16384")

#: All that the tools may see of this process's environment.
_KEPT_VARIABLES = ("HOME", "PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE", "TMPDIR")


class ToolchainError(EnvironmentProblem):
    """The compiler or the linker refused its input."""


class UndefinedSymbolError(ToolchainError):
    """A library needs symbols that none of its objects defines, or should export them.

    Attributes
    ----------
    symbols
        Their names, sorted.
    """

    def __init__(self, message: str, symbols: tuple[str, ...]) -> None:
        super().__init__(message)
        self.symbols = symbols


def cache_folder() -> Path:
    """Where helpers and the compiler's cache live: ``TVM_MNV3_CACHE``, or ``~/.cache/tvm-mnv3``; it exists.

    Raises
    ------
    EnvironmentProblem
        The folder cannot be made.
    """
    folder = Path(os.environ.get("TVM_MNV3_CACHE") or Path.home() / ".cache" / "tvm-mnv3").absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentProblem(
            f"The cache folder {folder} cannot be made ({error.strerror}); "
            "set the variable TVM_MNV3_CACHE to a folder that can be written."
        ) from error
    return folder


def compile_c(
    sources: Sequence[Path],
    *,
    triple: str,
    out: Path,
    include: Sequence[Path] = (),
    optimize: str = "-O2",
    freestanding: bool = True,
    cpu: str | None = None,
    extra: Sequence[str] = (),
) -> list[Path]:
    """Compile C (``.c``), C++ (``.cc``) and assembler (``.S``) files.

    Parameters
    ----------
    out
        A folder; ``a.c`` becomes ``a.o`` in it.
    include
        Folders for ``#include``.
    freestanding
        Without libc's headers, with hidden symbols, and without calls that the source does not spell out. The
        one exception is what no C compiler promises to leave out: copying or clearing a large struct calls
        memcpy or memset.
    cpu
        LLVM's name of a core whose instructions may be used (``cortex-a76``); the architecture's baseline by
        default.
    extra
        More flags of clang's.

    Returns
    -------
    list of Path
        The object files, in the order of the sources.

    Raises
    ------
    ToolchainError
        A source does not compile; the message holds the compiler's first error.
    """
    if len({source.stem for source in sources}) != len(sources):
        raise ValueError(f"two sources would become one object: {', '.join(map(str, sources))}")
    flags = [
        *_EVERYWHERE,
        optimize,
        architecture(triple).compiler_flag(cpu),
        *(_FREESTANDING if freestanding else ()),
        *(f"-I{folder.absolute()}" for folder in include),
        *extra,
    ]
    objects = []
    for source in (source.absolute() for source in sources):
        final = out.absolute() / f"{source.stem}.o"
        with replacing(final) as unfinished:
            prefix = f"-ffile-prefix-map={source.parent}=."
            compiler, *language = _LANGUAGES[source.suffix]
            _zig(compiler, "-target", triple, *language, *flags, prefix, "-c", str(source), "-o", str(unfinished))
        objects.append(out / final.name)
    return objects


def link_shared(
    objects: Sequence[Path],
    *,
    triple: str,
    out: Path,
    exports: Sequence[str],
    soname: str,
    allow_undefined: bool = False,
    link_map: Path | None = None,
) -> Path:
    """Link a shared library: nothing in NEEDED, nothing undefined, no visible symbols but `exports`.

    What no export reaches is dropped. Both hash tables are written (Android before 6 reads only the old one).

    Parameters
    ----------
    objects
        Object files and archives.
    allow_undefined
        Leave undefined symbols to the process that loads the library (the companion pool's pthread_create);
        they are found there without a NEEDED entry.
    link_map
        Where to write the linker's map, the only record of where a hidden function lies
        (`tvm_mnv3.codegen.symbols`).

    Raises
    ------
    UndefinedSymbolError
        Symbols are needed, or to be exported, that no object defines (or one defines them hidden); it names
        them all.
    ToolchainError
        An object is not usable.
    """
    machine = architecture(triple)
    with tempfile.TemporaryDirectory() as folder, replacing(out.absolute()) as unfinished:
        script = Path(folder, "exports.map")
        script.write_text("{ global: " + "".join(f"{name}; " for name in sorted(exports)) + "local: *; };\n")
        _zig(
            "ld.lld", "-shared", "-m", machine.lld_emulation, "-soname", soname,
            "--version-script", str(script), "--no-undefined-version",
            "--unresolved-symbols=ignore-all" if allow_undefined else "--no-undefined",
            *_PAGES, "-z", "relro", "-z", "now", "-z", "noexecstack", "--gc-sections", "--build-id=none",
            "--hash-style=both", "--strip-all", "--error-limit=0", "-O2",
            *([f"-Map={link_map.absolute()}"] if link_map else []),
            *(str(item.absolute()) for item in objects), "-o", str(unfinished),
        )  # fmt: skip
        # The linker says nothing of an export that its object hides.
        hidden = tuple(sorted(set(exports) - set(inspect_shared_library(unfinished).exports)))
        if hidden:
            raise UndefinedSymbolError(
                f"The library cannot export {', '.join(hidden)}: they are compiled as hidden symbols.", hidden
            )
    return out


def link_executable(
    objects: Sequence[Path], *, triple: str, out: Path, libraries: Sequence[str] = (), static: bool = False
) -> Path:
    """Link a program.

    Parameters
    ----------
    libraries
        Names for ``-l``: ``("dl", "pthread")``.
    static
        With libc inside: it runs on any Linux and Android, and loads no shared libraries. Otherwise it uses the
        target's own dynamic libc, and can load them.

    Raises
    ------
    UndefinedSymbolError, ToolchainError
        As of `link_shared`.
    """
    with replacing(out.absolute()) as unfinished:
        _zig(
            "cc", "-target", triple, "-static" if static else "-dynamic", "-s", "-Wl,--gc-sections",
            *(str(item.absolute()) for item in objects), *(f"-l{name}" for name in libraries),
            "-o", str(unfinished),
        )  # fmt: skip
    return out


def link_object(objects: Sequence[Path], *, triple: str, out: Path, exports: Sequence[str]) -> Path:
    """Link object files into one, for a static library: no visible symbols but `exports`.

    Raises
    ------
    ToolchainError
        An object is not usable.
    """
    with replacing(out.absolute()) as unfinished:
        inputs = (str(item.absolute()) for item in objects)
        _zig("ld.lld", "-r", "-m", architecture(triple).lld_emulation, *inputs, "-o", str(unfinished))
        localize(unfinished, exports)
    return out


def archive(objects: Sequence[Path], out: Path) -> Path:
    """Put object files into a static library, without dates, owners or folders."""
    with replacing(out.absolute()) as unfinished:
        _zig("ar", "rcsD", str(unfinished), *(str(item.absolute()) for item in objects))
    return out


def _zig(tool: str, *arguments: str) -> None:
    """Run one of zig's tools, apart from this process's folder and environment."""
    if importlib.util.find_spec("ziglang") is None:
        raise EnvironmentProblem(
            "The C toolchain is missing: the Python package ziglang is not installed. "
            "Install it with `python -m pip install ziglang==0.17.1`."
        )
    cache = cache_folder() / "zig"
    cache.mkdir(exist_ok=True)
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    environment |= {"ZIG_GLOBAL_CACHE_DIR": str(cache), "ZIG_LOCAL_CACHE_DIR": str(cache), "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-m", "ziglang", tool, *arguments],
        cwd=cache, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, errors="replace",
    )  # fmt: skip
    if done.returncode != 0:
        raise _failure(tool, done.stdout + done.stderr)


def _failure(tool: str, said: str) -> ToolchainError:
    """What a failed tool's output means."""
    undefined = sorted(set(re.findall(r"undefined symbol: (\S+)", said)))
    if undefined:
        return UndefinedSymbolError(
            f"The library cannot stand alone: it needs {', '.join(undefined)}, which nothing in it defines.",
            tuple(undefined),
        )
    unexportable = sorted(set(re.findall(r"symbol '(\S+)' failed: symbol not defined", said)))
    if unexportable:
        return UndefinedSymbolError(
            f"The library cannot export {', '.join(unexportable)}: nothing in it defines that.",
            tuple(unexportable),
        )
    errors = [line for line in said.splitlines() if "error" in line]
    first = (errors or said.splitlines() or ["it said nothing"])[0]
    return ToolchainError(f"The toolchain (zig {tool}) failed: {first.strip()}")
