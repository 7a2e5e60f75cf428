"""An Overpass and a Nominatim on 127.0.0.1 that answer what a test tells them to."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TIMESTAMP = "2026-06-29T20:21:22Z"
WEST, SOUTH = 114.0, 34.0
STEP = 0.001  # about 100 m


@dataclass(frozen=True)
class Answer:
    """Status and body; `cut` closes the connection before the promised end of the body."""

    body: bytes
    status: int = 200
    cut: bool = False


@dataclass
class FakeServers:
    """Answers waiting by path, the last one for ever; and the requests that came."""

    url: str = ""
    waiting: dict[str, list[Answer]] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, list[str]], str]] = field(default_factory=list)

    def says(self, path: str, *answers: Answer) -> None:
        self.waiting[path] = list(answers)

    def asked(self, path: str) -> list[dict[str, list[str]]]:
        return [query for at, query, _ in self.seen if at == path]

    def next_answer(self, path: str) -> Answer:
        answers = self.waiting.get(path, [Answer(b"not found", 404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def fake_osm_servers():
    fake = FakeServers()

    class Handler(BaseHTTPRequestHandler):
        def reply(self, query: str) -> None:
            path = urlsplit(self.path).path
            fake.seen.append((path, parse_qs(query), self.headers["User-Agent"]))
            answer = fake.next_answer(path)
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body) + (1000 if answer.cut else 0)))
            self.end_headers()
            self.wfile.write(answer.body)

        def do_GET(self) -> None:
            self.reply(urlsplit(self.path).query)

        def do_POST(self) -> None:
            self.reply(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def log_message(self, *args) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def overpass(elements: list[dict], **more) -> Answer:
    told = {"version": 0.6, "osm3s": {"timestamp_osm_base": TIMESTAMP}, "elements": elements, **more}
    return Answer(json.dumps(told).encode())


def node(ident: int, column: float, row: float, **tags: str) -> dict:
    told = {"type": "node", "id": ident, "lon": WEST + column * STEP, "lat": SOUTH + row * STEP}
    return {**told, "tags": tags} if tags else told


def way(ident: int, *nodes: int, **tags: str) -> dict:
    written = {key.replace("__", ":"): value for key, value in tags.items()}
    return {"type": "way", "id": ident, "nodes": list(nodes), "tags": written}


def town() -> list[dict]:
    """
    Return a town whose streets OSMnx's own walking filter would not keep whole.

        1 --10-- 2 --11-- 3 --12-- 4      10 residential oneway; 11 private drive; 12 cycleway, foot=yes
                 |
                 5                         13 footway with oneway:foot
        6 - 7 - 8 - 6                      14 an isolated ring, motorroad
    """
    nodes = [node(1, 0, 0), node(2, 1, 0), node(3, 2, 0), node(4, 3, 0), node(5, 1, -1)]
    ring = [node(6, 5, 5), node(7, 6, 5), node(8, 6, 6)]
    ways = [
        way(10, 1, 2, highway="residential", oneway="yes", name="中原路\x01<b>"),
        way(11, 2, 3, highway="service", access="private"),
        way(12, 3, 4, highway="cycleway", foot="yes", bridge="yes", layer="1"),
        way(13, 2, 5, highway="footway", oneway__foot="yes"),
        way(14, 6, 7, 8, 6, highway="primary", motorroad="yes"),
    ]
    return [*nodes, *ring, *ways]


def place(
    name: str,
    *,
    column: float = 0,
    shape: str = "Polygon",
    importance: float = 0.5,
    kind: str = "administrative",
) -> dict:
    west, south, size = WEST + column * STEP - 0.005, SOUTH - 0.005, 0.015
    corners = [(0, 0), (size, 0), (size, size), (0, size), (0, 0)]
    ring = [[west + x, south + y] for x, y in corners]
    return {
        "place_id": 1, "osm_type": "relation", "osm_id": 99, "class": "boundary", "type": kind, "name": name,
        "display_name": f"{name}, column {column}", "importance": importance,
        "lat": str(south), "lon": str(west),
        "boundingbox": [str(south), str(south + size), str(west), str(west + size)],
        "geojson": {"type": shape, "coordinates": [ring] if shape == "Polygon" else ring[0]},
    }  # fmt: skip


def nominatim(*places: dict) -> Answer:
    return Answer(json.dumps(places).encode())
