"""Published weights are downloaded once, checked, and never left half-written; each failure says what to do."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from tvm_mnv3.cache import CACHE_VARIABLE
from tvm_mnv3.errors import EnvironmentProblem, InputError
from tvm_mnv3.models import build_model, find_model
from tvm_mnv3.models.pretrained import TORCHVISION_URL, URL_VARIABLE, fetch
from tvm_mnv3.models.registry import PublishedWeights

CONTENT = b"not really weights, but bytes with a hash" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
PUBLISHED = PublishedWeights("V1", f"weights-{DIGEST[:8]}.pth")
ADVICE = "Give a file with --weights FILE, or use --weights random."


@dataclass
class Server:
    """What the local server sends for any path, and what it was asked for."""

    url: str
    body: bytes = CONTENT
    status: int = 200
    announced_length: int | None = None
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on the loopback interface."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    served = Server("")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            self.send_response(served.status)
            length = len(served.body) if served.announced_length is None else served.announced_length
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(served.body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing on the terminal."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as listening:
        served.url = f"http://127.0.0.1:{listening.server_port}/models"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        listening.shutdown()
        thread.join()


def test_a_file_is_downloaded_checked_and_kept(server: Server, tmp_path: Path) -> None:
    path = fetch(PUBLISHED, server.url, tmp_path / "new" / "cache")
    assert path == tmp_path / "new" / "cache" / PUBLISHED.file_name
    assert path.read_bytes() == CONTENT
    assert server.asked == [f"/models/{PUBLISHED.file_name}"]
    assert _files(path.parent) == [PUBLISHED.file_name]


def test_a_kept_file_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    fetch(PUBLISHED, server.url, tmp_path)
    fetch(PUBLISHED, server.url, tmp_path)
    assert len(server.asked) == 1


def test_a_kept_file_that_went_bad_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / PUBLISHED.file_name).write_bytes(CONTENT[:100])
    assert fetch(PUBLISHED, server.url, tmp_path).read_bytes() == CONTENT


def test_a_corrupted_download_is_refused_and_leaves_nothing(server: Server, tmp_path: Path) -> None:
    server.body = CONTENT[:-1] + b"?"
    with pytest.raises(EnvironmentProblem, match=f"SHA-256 begins with .{{8}}, not {DIGEST[:8]}") as caught:
        fetch(PUBLISHED, server.url, tmp_path)
    assert str(caught.value).endswith(ADVICE)
    assert _files(tmp_path) == []


def test_a_connection_that_ends_early_is_refused_and_leaves_nothing(server: Server, tmp_path: Path) -> None:
    server.announced_length, server.body = len(CONTENT), CONTENT[:100]
    with pytest.raises(EnvironmentProblem, match=f"connection ended after 100 of {len(CONTENT)} bytes"):
        fetch(PUBLISHED, server.url, tmp_path)
    assert _files(tmp_path) == []


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_servers_refusal_is_told(server: Server, tmp_path: Path, status: int) -> None:
    server.status = status
    with pytest.raises(EnvironmentProblem, match=f"the server answers {status}") as caught:
        fetch(PUBLISHED, server.url, tmp_path)
    assert caught.value.exit_code == 3
    assert str(caught.value).endswith(ADVICE)
    assert _files(tmp_path) == []


def test_without_a_server_the_message_says_what_to_do(server: Server, tmp_path: Path) -> None:
    # Port 9 (discard) of the loopback interface has no listener.
    with pytest.raises(EnvironmentProblem, match=r"cannot be downloaded: .*refused") as caught:
        fetch(PUBLISHED, "http://127.0.0.1:9/models", tmp_path)
    assert str(caught.value).endswith(ADVICE)
    assert _files(tmp_path) == []


def test_a_base_url_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="cannot be downloaded"):
        fetch(PUBLISHED, "no url", tmp_path)


def test_a_cache_folder_that_cannot_be_made_names_the_variable(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EnvironmentProblem, match=f"cache folder .* name another in {CACHE_VARIABLE}"):
        fetch(PUBLISHED, server.url, tmp_path / "file" / "cache")
    assert server.asked == []


def test_the_environment_names_server_and_cache(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL_VARIABLE, server.url + "/")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "here"))
    assert fetch(PUBLISHED) == tmp_path / "here" / PUBLISHED.file_name


@pytest.mark.parametrize(
    ("name", "file_name"),
    [
        ("mobilenet_v3_large", "mobilenet_v3_large-5c1a4163.pth"),
        ("mobilenet_v3_small", "mobilenet_v3_small-047dcff4.pth"),
    ],
)
def test_torchvisions_files_are_asked_for(name: str, file_name: str) -> None:
    published = find_model(name).published
    assert published is not None
    assert published.file_name == file_name
    assert published.sha256_prefix == file_name[-12:-4]
    assert TORCHVISION_URL.startswith("https://")


def test_a_published_file_ends_up_in_the_network(server: Server, tmp_path: Path) -> None:
    import dataclasses

    from tvm_mnv3.models.weights import load_weights

    trained = build_model("mobilenet_v3_small", seed=5).state_dict()
    torch.save(trained, tmp_path / "trained.pth")
    server.body = (tmp_path / "trained.pth").read_bytes()
    digest = hashlib.sha256(server.body).hexdigest()
    published = PublishedWeights("V9", f"mobilenet_v3_small-{digest[:8]}.pth")
    entry = dataclasses.replace(find_model("mobilenet_v3_small"), published=published)
    network = build_model("mobilenet_v3_small")
    origin = load_weights(network, entry, "pretrained", base_url=server.url, cache=tmp_path / "cache")
    assert (origin.label, origin.sha256, origin.note) == ("pretrained", digest, None)
    assert all(torch.equal(network.state_dict()[key], tensor) for key, tensor in trained.items())


@pytest.mark.parametrize(
    ("name", "classes", "complaint"),
    [
        ("mobilenetv3_large_100", 1000, "no pretrained weights for mobilenetv3_large_100"),
        ("tf_mobilenetv3_small_100", 1000, "no pretrained weights for tf_mobilenetv3_small_100"),
        ("mobilenet_v3_large_075", 1000, "torchvision publishes width 1 only"),
        ("mobilenet_v3_small", 10, "have 1000 classes, not 10: leave out --classes"),
    ],
)
def test_what_is_not_published_is_never_asked_for(
    server: Server, tmp_path: Path, name: str, classes: int, complaint: str
) -> None:
    from tvm_mnv3.models.weights import load_weights

    network = build_model(name, classes)
    with pytest.raises(InputError, match=complaint) as caught:
        load_weights(network, find_model(name), "pretrained", base_url=server.url, cache=tmp_path)
    assert "--weights FILE" in str(caught.value)
    assert server.asked == []


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
