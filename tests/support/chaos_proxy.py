"""A proxy between a client and a hub that harms a part of all requests, at random, by a seed."""

import random
import threading
from collections import Counter
from collections.abc import Callable

from support.scripted_server import Forward, Raw, Reply, Request, Reset, ScriptedServer, Step

_HTML = b"<html><head><title>Sign in to this network</title></head><body>Welcome</body></html>"


class ChaosProxy(ScriptedServer):
    """Forwards HTTP to a server on loopback, one exchange a connection, and harms some of it.

    A request that is harmed is answered late, or drop by drop; its connection is reset before the
    server has seen it, or after the server has carried it out; its answer is cut; it is answered
    by 429 or 503, as are some that follow; or it is answered by 200 with what is no answer, before
    or after the server has carried it out.

    Args:
        port: Port of the server.
        seed: Chooses the requests and the harms.
        rate: The part of the requests that is harmed, from 0 to 1.

    Attributes:
        harmed: How many requests were harmed, by the harm.
    """

    def __init__(self, port: int, seed: int, rate: float = 0.25) -> None:
        super().__init__(self._harm_or_forward)
        self.harmed: Counter[str] = Counter()
        self._server_port = port
        self._random = random.Random(seed)
        self._rate = rate
        self._choosing = threading.Lock()
        self._burst: list[int] = []
        self._harms: dict[str, Callable[[random.Random], Step]] = {
            "late answer": self._answer_late,
            "slow answer": self._answer_slowly,
            "reset before": lambda _: Reset(),
            "reset after": lambda _: Forward(port, lambda _: Reset()),
            "answer cut": self._cut,
            "429": lambda chance: _refusal(429, chance),
            "503": lambda chance: _refusal(503, chance),
            "garbage before": _garbage,
            "garbage after": lambda chance: Forward(port, lambda _: _garbage(chance)),
        }

    def _harm_or_forward(self, _: Request) -> Step:
        harm, chance = self._choose()
        return Forward(self._server_port) if harm is None else self._harms[harm](chance)

    def _choose(self) -> tuple[str | None, random.Random]:
        with self._choosing:
            harm = None
            if self._burst:
                harm = str(self._burst.pop())
            elif self._random.random() < self._rate:
                harm = self._random.choice(list(self._harms))
                if harm in ("429", "503"):
                    self._burst = [int(harm)] * self._random.randint(0, 3)
            if harm is not None:
                self.harmed[harm] += 1
            return harm, random.Random(self._random.random())

    def _answer_late(self, chance: random.Random) -> Step:
        delay = chance.uniform(0, 0.5)
        return Forward(self._server_port, lambda answer: Raw(answer, delay=delay))

    def _answer_slowly(self, chance: random.Random) -> Step:
        pauses = [chance.uniform(0, 0.1) for _ in range(10)]
        return Forward(self._server_port, lambda answer: Raw(answer, pauses=pauses))

    def _cut(self, chance: random.Random) -> Step:
        return Forward(
            self._server_port, lambda answer: Raw(answer[: chance.randrange(len(answer) or 1)])
        )


def _refusal(status: int, chance: random.Random) -> Reply:
    headers = {"Retry-After": "1"} if chance.random() < 0.3 else {}
    return _last_reply(status, "text/plain", b"later", headers)


def _garbage(chance: random.Random) -> Reply:
    kind, body = chance.choice(
        [
            ("text/html; charset=utf-8", _HTML),
            ("application/json", b'{"id": "j'),
            ("application/json", b""),
            ("text/plain", b"It works!"),
            ("application/octet-stream", chance.randbytes(40)),
        ]
    )
    return _last_reply(200, kind, body, {})


def _last_reply(status: int, kind: str, body: bytes, headers: dict[str, str]) -> Reply:
    return Reply(status, body, {"Content-Type": kind, "Connection": "close", **headers})
