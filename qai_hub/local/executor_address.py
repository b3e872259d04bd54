"""The setting that says where attempts at jobs are carried out."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlsplit

from qai_hub.local.engines.catalog import ENGINES

LOCAL_EXECUTOR = "local"
RESOURCES = (
    *("memory", "qnn", "tflite", "torch"),
    *(engine.label for engine in ENGINES.values()),
)
"""What attempts may ask of the machines that carry them out."""

_PREFIX = "dask:"
_EXAMPLE = "dask:tcp://scheduler:8786"


@dataclass(frozen=True, slots=True)
class DaskAddress:
    """A Dask cluster that carries out attempts.

    Attributes:
        scheduler: The address of its scheduler, such as `tcp://scheduler:8786`.
        resources: The resources that its workers declare, of `RESOURCES`: attempts ask for those of
            them that they need.
    """

    scheduler: str
    resources: Collection[str] = ()


def parse_executor(text: str) -> DaskAddress | None:
    """Parse the setting.

    Args:
        text: `local`, or `dask:` and the address of a scheduler, which may be followed by
            `?resources=` and names of resources with commas between them.

    Returns:
        The Dask cluster; None for processes on this machine.

    Raises:
        ValueError: It is neither.
    """
    if text == LOCAL_EXECUTOR:
        return None
    try:
        url = urlsplit(text.removeprefix(_PREFIX))
        is_address = text.startswith(_PREFIX) and _is_address(url)
        options = dict(parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query)))
    except ValueError:
        is_address = False
    if not is_address or options.keys() - {"resources"}:
        raise ValueError(
            f"executor must be {LOCAL_EXECUTOR!r}, or 'dask:' and the address of a Dask scheduler, "
            f"as in {_EXAMPLE!r} or '{_EXAMPLE}?resources=qnn,memory'"
        )
    names = options["resources"].split(",") if options else []
    unknown = sorted(set(names) - set(RESOURCES))
    if unknown:
        raise ValueError(
            f"executor must name resources of {', '.join(RESOURCES)}, not {unknown[0]!r}"
        )
    return DaskAddress(f"{url.scheme}://{url.netloc}", tuple(names))


def _is_address(url: SplitResult) -> bool:
    """Return whether a URL is a scheme, a host and a port, beside its query."""
    return (
        url.scheme in ("tcp", "tls")
        and bool(url.hostname)
        and bool(url.port)
        and "@" not in url.netloc
        and not url.path
        and not url.fragment
    )
