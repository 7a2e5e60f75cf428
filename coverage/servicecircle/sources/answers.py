"""Answers of map servers, seen before OSMnx sees them: only whole ones pass."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlsplit

from servicecircle.errors import InputError

_WAITS_S = (10.0, 30.0, 60.0)
_BUSY = {429, 504}


class Gate:
    """
    Sees every answer before OSMnx does, as a `requests` hook, and refuses what OSMnx would only log.

    Overpass tells of a time-out in the middle of its work by a remark in an answer with status 200.

    Attributes
    ----------
    timestamps
        States of the OpenStreetMap data that the answers name.
    places
        The last answer of Nominatim.
    """

    def __init__(self) -> None:
        self.timestamps: list[str] = []
        self.places: list[dict[str, Any]] = []

    def __call__(self, response: Any, **sending: Any) -> Any:
        """Return a whole answer, asking again where the server is busy."""
        path = urlsplit(response.url).path
        if response.is_redirect or not path.endswith(("/interpreter", "/search")):
            return response
        response = _patiently(response, sending)
        try:
            self._see(response, is_place=path.endswith("/search"))
        except InputError:
            response.close()  # nobody else will: `requests` never gets it back
            raise
        return response

    def _see(self, response: Any, *, is_place: bool) -> None:
        server = urlsplit(response.url).netloc
        if response.status_code in _BUSY:
            raise InputError("fetch.busy", server=server, status=response.status_code, times=len(_WAITS_S))
        if not response.ok:
            raise InputError("fetch.refused", server=server, status=response.status_code)
        try:
            answer = json.loads(response.content)
        except (OSError, ValueError) as error:
            raise InputError("fetch.cut", server=server, why=str(error)) from error
        if is_place:
            self._see_places(answer, server)
        else:
            self._see_map(answer, server)

    def _see_places(self, answer: Any, server: str) -> None:
        if not isinstance(answer, list) or not all(isinstance(place, dict) for place in answer):
            raise InputError("fetch.cut", server=server, why="no list of places")
        self.places = answer

    def _see_map(self, answer: Any, server: str) -> None:
        if isinstance(answer, dict) and answer.get("remark"):
            raise InputError("fetch.remark", remark=str(answer["remark"]).strip())
        if not isinstance(answer, dict) or not isinstance(answer.get("elements"), list):
            raise InputError("fetch.cut", server=server, why="no list of elements")
        timestamp = answer.get("osm3s", {}).get("timestamp_osm_base")
        self.timestamps += [timestamp] if timestamp else []


def _patiently(response: Any, sending: dict[str, Any]) -> Any:
    """Send a request again, later and later, while the server says that it is busy."""
    for wait_s in _WAITS_S:
        if response.status_code not in _BUSY:
            break
        response.close()
        time.sleep(wait_s)
        response = response.connection.send(response.request.copy(), **sending)
    return response
