"""Optional captioners: a model of transformers, and an endpoint behind a real local server."""

import base64
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image as Picture

from lowdiff.errors import InputError, ServiceError
from lowdiff.labels.learn.captioner import HubCaptioner
from lowdiff.labels.learn.captions import (
    caption_batch,
    captioner_says,
    pending_captions,
    plain_sentence,
)
from lowdiff.labels.learn.endpoint import TRIES, Endpoint
from lowdiff.labels.learn.statements import Statement
from lowdiff.ops.learning import open_captioners
from lowdiff.settings import Settings
from tests.labels.gallery import BARE, Gallery, disc

RED = Picture.new("RGB", (12, 8), (255, 0, 0))


def answer(text: object) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text}}]}).encode()


class Desk:
    """A server that gives the answers it was told to give, the last one for ever."""

    def __init__(self, *answers: tuple[int, bytes], wait_s: str | None = None) -> None:
        self.answers = list(answers)
        self.wait_s = wait_s
        self.asked: list[tuple[str, dict[str, str], dict[str, object]]] = []

    @contextmanager
    def open(self) -> Iterator[str]:
        desk = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                desk.asked.append((self.path, dict(self.headers), body))
                status, text = desk.answers.pop(0) if len(desk.answers) > 1 else desk.answers[0]
                self.send_response(status)
                if desk.wait_s is not None:
                    self.send_header("Retry-After", desk.wait_s)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@contextmanager
def asking(desk: Desk, waits: list[float], **options):
    with desk.open() as url:
        endpoint = Endpoint(url, "tiny/eye", sleep=waits.append, **options)
        try:
            yield endpoint
        finally:
            endpoint.close()


def test_the_endpoint_sees_the_picture_and_its_key():
    desk = Desk((200, answer("A red field.")))
    with asking(desk, [], key="secret") as endpoint:
        assert endpoint(RED) == "A red field."
        assert endpoint.by == "endpoint-tiny.eye/1"
    ((path, headers, body),) = desk.asked
    assert path == "/v1/chat/completions"
    assert headers["authorization" if "authorization" in headers else "Authorization"] == (
        "Bearer secret"
    )
    assert body["model"] == "tiny/eye"
    url = body["messages"][0]["content"][1]["image_url"]["url"]
    sent = Picture.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/png;base64,"))))
    assert (sent.size, sent.getpixel((3, 3))) == ((12, 8), (255, 0, 0))


def test_a_busy_endpoint_is_asked_again_after_the_time_it_names():
    waits: list[float] = []
    desk = Desk((429, b""), (503, b""), (200, answer("A ball.")), wait_s="7")
    with asking(desk, waits, requests_per_minute=6e9) as endpoint:
        assert endpoint(RED) == "A ball."
    assert len(desk.asked) == 3
    assert [wait for wait in waits if wait >= 1] == [7, 7]


def test_an_endpoint_that_stays_broken_is_a_service_error():
    desk = Desk((500, b"oops"))
    with asking(desk, []) as endpoint, pytest.raises(ServiceError, match="answered 500"):
        endpoint(RED)
    assert len(desk.asked) == TRIES


@pytest.mark.parametrize("body", [b"not json", b"{}", answer(None), answer([1])])
def test_an_answer_that_is_no_caption_is_a_service_error(body):
    with asking(Desk((200, body)), []) as endpoint, pytest.raises(ServiceError):
        endpoint(RED)


def test_a_wrong_key_is_told_at_once_and_a_refused_picture_is_only_refused():
    desk = Desk((401, b"no such key"), (400, b"too small"))
    with asking(desk, []) as endpoint:
        with pytest.raises(ServiceError, match="no such key"):
            endpoint(RED)
        with pytest.raises(InputError, match="too small"):
            endpoint(RED)
    assert len(desk.asked) == 2


def test_nobody_at_the_address_is_a_service_error():
    waits: list[float] = []
    endpoint = Endpoint("http://127.0.0.1:9/v1", "eye", sleep=waits.append, timeout_s=2)
    with pytest.raises(ServiceError, match="does not answer"):
        endpoint(RED)
    endpoint.close()


def test_requests_keep_their_distance():
    now, waits = [0.0], []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    desk = Desk((200, answer("A ball.")))
    with desk.open() as url:
        endpoint = Endpoint(
            url, "eye", requests_per_minute=30, sleep=sleep, clock=lambda: now[0]
        )  # fmt: skip
        for _ in range(4):
            endpoint(RED)
        endpoint.close()
    assert waits == [2, 2, 2]


def test_captions_are_asked_for_once_and_kept_in_the_template_and_free(catalog, store):
    gallery = Gallery(catalog, store)
    ids = sorted(gallery.put(disc(n, outline=True)) for n in range(3))
    desk = Desk((200, answer('"a ring, drawn\nas a line"')))
    with asking(desk, [], requests_per_minute=6e9) as endpoint:
        tools = {"catalog": catalog, "store": store, "captioner": endpoint}
        assert caption_batch(ids, **tools) == 3
        assert caption_batch(ids, **tools) == 0
        assert pending_captions(catalog, endpoint.by) == []
        before = [(one, {"caption": [Statement(BARE, 0.3, "caption-template/2")]}) for one in ids]
        with catalog.read() as session:
            said = captioner_says(session, endpoint.by, before)
    assert len(desk.asked) == 3
    in_template, free = said[ids[0]]["caption"]
    assert in_template.value == BARE.replace("A graphic", "A ring – drawn as a line")
    assert free.value == "a ring, drawn as a line"
    assert {in_template.by, free.by} == {"endpoint-tiny.eye/1"}
    assert in_template.origin == "model"


def test_a_refused_picture_is_not_asked_for_again(catalog, store):
    gallery = Gallery(catalog, store)
    one = gallery.put(disc(1, outline=True))
    with asking(Desk((400, b"no")), []) as endpoint:
        assert caption_batch([one], catalog=catalog, store=store, captioner=endpoint) == 0
        assert pending_captions(catalog, endpoint.by) == []


def test_what_a_model_says_becomes_one_line():
    assert plain_sentence(' "A ball,\n red." ') == "A ball, red."


@pytest.fixture(scope="module")
def tiny_blip(tmp_path_factory):
    """A real BLIP with random weights, saved as people save theirs."""
    from transformers import (
        BertTokenizer,
        BlipConfig,
        BlipForConditionalGeneration,
        BlipImageProcessor,
        BlipProcessor,
    )

    folder = tmp_path_factory.mktemp("blip")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "[ENC]", "a", "red", "ball"]
    (folder / "vocab.txt").write_text("\n".join(words))
    text = {
        "vocab_size": len(words), "hidden_size": 16, "encoder_hidden_size": 16,
        "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "projection_dim": 16, "bos_token_id": 5, "eos_token_id": 3, "pad_token_id": 0,
        "sep_token_id": 3, "max_position_embeddings": 64,
    }  # fmt: skip
    vision = {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
        "num_attention_heads": 2, "image_size": 32, "patch_size": 16, "projection_dim": 16,
    }  # fmt: skip
    config = BlipConfig(text_config=text, vision_config=vision, projection_dim=16)
    BlipForConditionalGeneration(config).save_pretrained(folder)
    tokens = BertTokenizer(str(folder / "vocab.txt"))
    pictures = BlipImageProcessor(size={"height": 32, "width": 32})
    BlipProcessor(image_processor=pictures, tokenizer=tokens).save_pretrained(folder)
    return folder


def test_a_captioner_from_a_folder_says_the_same_every_time(tiny_blip, monkeypatch):
    settings = Settings(captioner=str(tiny_blip))
    with open_captioners(settings) as (captioner,):
        assert isinstance(captioner, HubCaptioner)
        assert captioner.by == f"captioner-{tiny_blip.name}/1"
        said = captioner(RED)
        assert isinstance(said, str)
        assert captioner(RED) == said


def test_no_captioner_is_on_by_default_and_an_endpoint_needs_a_model():
    with open_captioners(Settings()) as none:
        assert none == []
    with (
        pytest.raises(InputError, match="caption_endpoint_model"),
        open_captioners(Settings(caption_endpoint="http://127.0.0.1:9/v1")),
    ):
        pass
