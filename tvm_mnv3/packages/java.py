"""The Java side of an AAR: classes by javac, the JNI library by the toolchain. Needs a JDK, and no Android SDK."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.toolchain import compile_c, link_shared
from tvm_mnv3.errors import EnvironmentProblem
from tvm_mnv3.packages.zips import zip_bytes

FILES = Path(__file__).resolve().parent / "android_files"

#: The functions of tvm.mnv3.Native.
JNI_EXPORTS = tuple(
    f"Java_tvm_mnv3_Native_{name}"
    for name in ("chosen", "classifyBuffer", "classifyBytes", "classifyInts", "create", "destroy", "statusText")
)

#: What bionic's libraries are called; musl answers to the same names.
_ANDROID_LIBRARIES = {
    "libc.so": ("pthread_create", "pthread_join", "posix_memalign", "free", "memcpy", "memset"),
    "libdl.so": ("dlopen", "dlsym"),
}


def find_javac() -> Path:
    """The Java compiler.

    Raises
    ------
    EnvironmentProblem
        There is none, or the JDK has no JNI headers.
    """
    found = shutil.which("javac")
    if found is None:
        raise EnvironmentProblem(
            "A JDK is missing, which compiles the Java classes of the Android library: there is no javac. On Debian "
            "and Ubuntu install it with `apt-get install openjdk-17-jdk-headless`."
        )
    return Path(found).resolve()


def class_files() -> dict[str, bytes]:
    """The classes of tvm.mnv3, by path; nullness annotations are in them by name alone."""
    javac = find_javac()
    sources = [*sorted((FILES / "java").rglob("*.java")), *sorted((FILES / "stubs").rglob("*.java"))]
    with tempfile.TemporaryDirectory() as folder:
        # Java 8 is what every Android tool chain takes.
        command = [str(javac), "--release", "8", "-Xlint:-options", "-d", folder, *map(str, sources)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise EnvironmentProblem(f"javac ({javac}) failed: {(done.stderr.strip().splitlines() or ['no word'])[0]}")
        classes = sorted(Path(folder, "tvm").rglob("*.class"))
        return {file.relative_to(folder).as_posix(): file.read_bytes() for file in classes}


def classes_jar() -> bytes:
    """``classes.jar``."""
    return zip_bytes({"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\r\n\r\n", **class_files()})


def build_jni_library(triple: str, work: Path, out: Path, *, android: bool, cpu: str | None = None) -> Path:
    """``libtvm_mnv3_jni.so``, with the companion inside.

    Parameters
    ----------
    android
        It names Android's libraries as needed; without, it is for a process that has a libc already (a JVM's).
    """
    include = find_javac().parent.parent / "include"
    if not (include / "jni.h").is_file():
        raise EnvironmentProblem(f"The JDK has no JNI headers: {include} has no jni.h; install a whole JDK.")
    sources = [FILES / "jni.c", *runtime.CLASSIFIER_SOURCES]
    folders = [runtime.FOLDER, include, include / "linux"]
    # jni.h wants libc's headers; of libc's functions nothing is used but those of _ANDROID_LIBRARIES.
    flags = ("-fvisibility=hidden", "-fno-stack-protector", "-ffunction-sections", "-fdata-sections")
    objects = compile_c(
        sources, triple=triple, out=work, include=folders, optimize="-O3", freestanding=False, cpu=cpu, extra=flags
    )
    needed = _android_libraries(triple, work) if android else []
    return link_shared(
        [*objects, *needed], triple=triple, out=out, exports=JNI_EXPORTS, soname=out.name, allow_undefined=not android
    )


def _android_libraries(triple: str, work: Path) -> Sequence[Path]:
    """Libraries with Android's names and the functions that are used, to link against."""
    libraries = []
    for name, functions in _ANDROID_LIBRARIES.items():
        folder = work / "android"
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / f"{name.split('.')[0]}_stub.c"
        source.write_text("".join(f"void {function}(void) {{}}\n" for function in functions), encoding="utf-8")
        objects = compile_c([source], triple=triple, out=folder, extra=("-fvisibility=default", "-w"))
        libraries.append(link_shared(objects, triple=triple, out=folder / name, exports=functions, soname=name))
    return libraries
