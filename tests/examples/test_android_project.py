"""The Gradle project, as far as it goes without an Android SDK: its Kotlin against the AAR, and its files."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from examples.conftest import java_command, missing
from examples.sample import PREFIX

PROJECT = Path(__file__).resolve().parents[2] / "examples" / "android"
MAIN = PROJECT / "app" / "src" / "main"
SOURCES = MAIN / "kotlin" / "com" / "example" / "recognise"
STANDARD_LIBRARY = Path("/usr/share/java/kotlin-stdlib.jar")

PROGRAM = """
import com.example.recognise.Recogniser
import java.io.File
import javax.imageio.ImageIO

fun main(arguments: Array<String>) {
    val image = ImageIO.read(File(arguments[1]))
    val pixels = image.getRGB(0, 0, image.width, image.height, null, 0, image.width)
    println(Recogniser(File(arguments[0]).inputStream()).recognise(pixels, image.width, image.height)[0])
}
"""


def kotlinc(folder: Path, *sources: Path, classes: Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("kotlinc") is None:
        missing("no Kotlin compiler (Debian: kotlin)")
    command = ["kotlinc", "-cp", classes, *sources, "-d", folder]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


@pytest.mark.slow
def test_the_app_s_kotlin_recognises_a_picture(java_folder: Path, answers: dict[Path, int], tmp_path: Path) -> None:
    (tmp_path / "Program.kt").write_text(PROGRAM)
    built = kotlinc(
        java_folder, tmp_path / "Program.kt", SOURCES / "Recogniser.kt", classes=java_folder / "classes.jar"
    )
    assert built.returncode == 0, built.stderr
    labels = java_folder / f"assets/tvm_mnv3/{PREFIX}.labels.txt"
    done = subprocess.run(
        [*java_command(java_folder, STANDARD_LIBRARY), "ProgramKt", labels, next(iter(answers))],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d+ % tench", done.stdout.strip())


@pytest.mark.slow
def test_kotlin_does_not_take_a_label_for_never_null(java_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "Wrong.kt").write_text("fun text(result: tvm.mnv3.Result): String = result.label\n")
    built = kotlinc(tmp_path / "out", tmp_path / "Wrong.kt", classes=java_folder / "classes.jar")
    assert built.returncode != 0
    assert "String?" in built.stderr


def test_the_project_s_files_fit_together() -> None:
    manifest = ElementTree.parse(MAIN / "AndroidManifest.xml").getroot()
    (activity,) = manifest.iter("activity")
    name = activity.attrib["{http://schemas.android.com/apk/res/android}name"]
    assert (SOURCES / f"{name.lstrip('.')}.kt").is_file()
    strings = {entry.attrib["name"] for entry in ElementTree.parse(MAIN / "res/values/strings.xml").getroot()}
    used = set(re.findall(r"R\.string\.(\w+)", (SOURCES / f"{name.lstrip('.')}.kt").read_text()))
    assert used | {"app_name"} == strings
    build = (PROJECT / "app" / "build.gradle.kts").read_text()
    assert 'fileTree("libs") { include("*.aar") }' in build
    assert 'namespace = "com.example.recognise"' in build
    assert f'const val MODEL = "{PREFIX}"' in (SOURCES / "Recogniser.kt").read_text()
