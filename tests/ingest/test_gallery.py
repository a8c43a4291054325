import socket

import httpx
import pytest

from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.gallery import serve_gallery, serve_sources
from lowdiff.workspace import Workspace
from tests.ingest.conftest import folder_source, svg, web_source

pytestmark = pytest.mark.integration


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "gallery"
    (folder / "images").mkdir(parents=True)
    (folder / "index.html").write_text("<img>", encoding="utf-8")
    (folder / "images" / "a.svg").write_bytes(svg())
    (tmp_path / "secret.txt").write_text("secret")
    return folder


def test_a_gallery_serves_its_files_with_their_types_and_ends_with_its_block(folder):
    with serve_gallery(folder, 0) as url, httpx.Client(base_url=url, trust_env=False) as client:
        assert client.get("/").headers["content-type"] == "text/html; charset=utf-8"
        image = client.get("/images/a.svg")
        assert (image.content, image.headers["content-type"]) == (svg(), "image/svg+xml")
        for path in ("/images/", "/nothing", "/%2e%2e/secret.txt", "/images/../../secret.txt"):
            assert client.get(path).status_code == 404
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
    with serve_gallery(folder, httpx.URL(url).port or 0):
        pass  # the port is free at once


def test_a_port_in_use_is_one_clear_error(folder):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(ServiceError, match=f"port {port}") as error,
            serve_gallery(folder, port),
        ):
            pass
    assert error.value.reason == "port_in_use"
    assert "start_urls" in str(error.value)


def test_a_gallery_that_is_not_there_says_how_to_get_one(tmp_path):
    with pytest.raises(InputError, match="lowdiff corpus"), serve_gallery(tmp_path / "no", 0):
        pass


def test_a_source_can_have_its_folder_served(folder, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    source = web_source(f"http://127.0.0.1:{port}", serve_folder="gallery")
    with serve_sources([source, folder_source("x")], Workspace(tmp_path)):
        assert httpx.get(source.start_urls[0], trust_env=False).text == "<img>"
