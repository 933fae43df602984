"""The C compiler, linker and archiver for every target: clang and lld out of the ``ziglang`` wheel.

Nothing of the machine's own toolchain is used, and nothing of its environment is passed on, so the same
sources give the same bytes everywhere. Triples are zig's: ``aarch64-linux-gnu.2.28``, ``aarch64-linux-musl``,
``x86_64-linux-gnu``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tvm_mnv3.codegen.data_object import embed_binary
from tvm_mnv3.codegen.files import replacing
from tvm_mnv3.codegen.inspect_elf import inspect_shared_library
from tvm_mnv3.codegen.localize import localize
from tvm_mnv3.codegen.triple import architecture
from tvm_mnv3.codegen.zig import ToolchainError, UndefinedSymbolError, run_zig

__all__ = [
    "ToolchainError",
    "UndefinedSymbolError",
    "archive",
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
            run_zig(compiler, "-target", triple, *language, *flags, prefix, "-c", str(source), "-o", str(unfinished))
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
        run_zig(
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
        run_zig(
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
        run_zig("ld.lld", "-r", "-m", architecture(triple).lld_emulation, *inputs, "-o", str(unfinished))
        localize(unfinished, exports)
    return out


def archive(objects: Sequence[Path], out: Path) -> Path:
    """Put object files into a static library, without dates, owners or folders."""
    with replacing(out.absolute()) as unfinished:
        run_zig("ar", "rcsD", str(unfinished), *(str(item.absolute()) for item in objects))
    return out
