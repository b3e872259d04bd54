"""The viewer of traces that comes along: speedscope, in a frame."""

from importlib.resources import files
from typing import Final

from qai_hub.local.pages.frames import FrameFiles

_FILES: Final = ("speedscope.js", "speedscope.css", "SourceCodePro-Regular.ttf-ILST5JV6.woff2")
_OWN_SCRIPT: Final = "trace-frame.js"
_OWN_STYLE: Final = "trace-frame.css"
_PAGE: Final = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>speedscope</title>
<link rel="stylesheet" href="speedscope.css">
<link rel="stylesheet" href="{_OWN_STYLE}">
<script type="module" src="{_OWN_SCRIPT}"></script>
</head>
<body></body>
</html>
"""


def trace_viewer() -> FrameFiles:
    """Return what serves the viewer's files to a frame."""
    own = files("qai_hub.local.pages")
    places = {name: own / "speedscope" / name for name in _FILES}
    places |= {name: own / "static" / name for name in (_OWN_SCRIPT, _OWN_STYLE)}

    def read(name: str) -> bytes | None:
        return places[name].read_bytes() if name in places else None

    return FrameFiles(lambda: _PAGE, read, has_wasm=True)
