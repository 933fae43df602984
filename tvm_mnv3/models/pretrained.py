"""Published weights: downloaded once into a cache folder, checked by the hash in their file's name."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from tvm_mnv3.cache import CACHE_VARIABLE, cache_folder
from tvm_mnv3.errors import EnvironmentProblem
from tvm_mnv3.models.registry import PublishedWeights

#: Where torchvision publishes its weights (torchvision/models/mobilenetv3.py); `URL_VARIABLE` names a mirror.
TORCHVISION_URL = "https://download.pytorch.org/models/"
URL_VARIABLE = "TVM_MNV3_WEIGHTS_URL"

#: Seconds without a byte after which the server counts as gone.
_TIMEOUT = 30.0
_CHUNK_BYTES = 1 << 16


def fetch(published: PublishedWeights, base_url: str | None = None, cache: Path | None = None) -> Path:
    """The weights' file in the cache, downloaded if it is not there yet.

    Parameters
    ----------
    base_url
        Folder that holds the file; by default ``TVM_MNV3_WEIGHTS_URL``, else torchvision's.
    cache
        By default `cache_folder`.

    Raises
    ------
    EnvironmentProblem
        The server cannot be reached, has no such file or sends another one, or the cache cannot be written.
    """
    base = base_url or os.environ.get(URL_VARIABLE) or TORCHVISION_URL
    url = urllib.parse.urljoin(base.rstrip("/") + "/", published.file_name)
    folder = cache or cache_folder()
    final = folder / published.file_name
    try:
        if final.is_file() and _sha256(final).startswith(published.sha256_prefix):
            return final
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(prefix=f".{published.file_name}.", suffix=".part", dir=folder)
        os.close(descriptor)
    except OSError as error:
        raise EnvironmentProblem(
            f"The cache folder {folder} cannot be used ({_reason(error)}): name another in {CACHE_VARIABLE}."
        ) from error
    try:
        _download(url, Path(part), published)
        os.replace(part, final)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)
    return final


def _download(url: str, part: Path, published: PublishedWeights) -> None:
    """Write what the URL sends into a file, and check it."""
    digest, received = hashlib.sha256(), 0
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response, part.open("wb") as file:
            announced = response.headers.get("Content-Length")
            while chunk := response.read(_CHUNK_BYTES):
                digest.update(chunk)
                received += len(chunk)
                file.write(chunk)
    except urllib.error.HTTPError as error:
        raise _problem(url, f"the server answers {error.code} {error.reason}") from error
    # URLError and socket timeouts are OSErrors; ValueError is a base URL that is none.
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _problem(url, _reason(error)) from error
    if announced is not None and str(received) != announced:
        raise _problem(url, f"the connection ended after {received} of {announced} bytes")
    if not digest.hexdigest().startswith(published.sha256_prefix):
        raise _problem(url, f"its SHA-256 begins with {digest.hexdigest()[:8]}, not {published.sha256_prefix}")


def _problem(url: str, what: str) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"The pretrained weights {url} cannot be downloaded: {what}. Give a file with --weights FILE, or use "
        "--weights random."
    )


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return str(reason) or type(error).__name__


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
