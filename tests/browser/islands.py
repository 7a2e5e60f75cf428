"""The data of a written page, read back the way the page's script does."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any

ISLAND = re.compile(r'<script type="application/octet-stream" id="([\w-]+)">([^<{}&%]*)</script>')
BASE85 = bytes.maketrans(b"[],./:'", b"{}<&`$%")


class _Islands(dict[str, str]):
    def __getitem__(self, name: str) -> Any:
        data = gzip.decompress(base64.b85decode(super().__getitem__(name).encode("ascii").translate(BASE85)))
        return json.loads(data) if name == "page" else data


def islands_of(page: str) -> _Islands:
    """Return the islands of a page by name: of `page` what it says, of others their bytes."""
    return _Islands(ISLAND.findall(page))
