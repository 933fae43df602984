"""Small copies of pictures, inside the page."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from tvm_mnv3.errors import InputError
from tvm_mnv3.picture import read_picture

_SIDE = 168


def thumbnail(file: Path) -> str | None:
    """A picture of at most 168 pixels a side as a ``data:`` address, or None where it is gone."""
    try:
        picture = read_picture(file)
    except InputError:
        return None
    picture.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode('ascii')}"
