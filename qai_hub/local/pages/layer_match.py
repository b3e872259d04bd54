"""Which layers of several profiles are the same."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

from qai_hub.local.pages.layers import Layer

LayerRow = list[Layer | None]
"""The same layer of each profile; None where one does not have it."""


def match_layers(profiles: Sequence[Sequence[Layer]]) -> list[LayerRow]:
    """Find the same layers of several profiles: by their names, then by operator and order.

    Args:
        profiles: The layers of each.

    Returns:
        The rows, in the order of the first profile; layers that it does not have are at the end.
    """
    rows = list[LayerRow]()
    for index, layers in enumerate(profiles):
        known = [next(each for each in row if each is not None) for row in rows]
        pairs = _pair(known, layers, lambda layer: layer.name)
        paired = set(pairs.values())
        open_rows = [at for at in range(len(known)) if at not in paired]
        open_layers = [at for at in range(len(layers)) if at not in pairs]
        more = _pair(
            [known[at] for at in open_rows],
            [layers[at] for at in open_layers],
            lambda layer: layer.operator,
        )
        pairs |= {open_layers[new]: open_rows[old] for new, old in more.items()}
        for at, layer in enumerate(layers):
            if at not in pairs:
                pairs[at] = len(rows)
                rows.append([None] * len(profiles))
            rows[pairs[at]][index] = layer
    return rows


def _pair(
    known: Sequence[Layer], new: Sequence[Layer], key: Callable[[Layer], Hashable]
) -> dict[int, int]:
    """Pair layers with the same key, in order; return the index of the known one by the new's."""
    free = defaultdict[Hashable, list[int]](list)
    for at, layer in enumerate(known):
        free[key(layer)].append(at)
    pairs = dict[int, int]()
    taken = defaultdict[Hashable, int](int)
    for at, layer in enumerate(new):
        name = key(layer)
        if taken[name] < len(free.get(name, ())):
            pairs[at] = free[name][taken[name]]
            taken[name] += 1
    return pairs
