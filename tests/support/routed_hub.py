"""A server that answers each path as a test says."""

from typing import Any, TypeAlias

from support.scripted_server import Reply, Request, ScriptedServer, json_reply

Routes: TypeAlias = dict[str, Reply | list[Reply]]

# The answer of a hub that has one device.
DEVICES: dict[str, Any] = {
    "devices": [
        {
            "name": "D",
            "os": "14",
            "attributes": ["framework:onnx", "framework:qnn"],
            "soc_description": "a chip",
        }
    ],
    "total_query_count": 1,
}


class RoutedHub(ScriptedServer):
    """Answers requests by method and path.

    Args:
        routes: For each `"GET /path/"` its answer, or a list of answers of which the last one
            stays. All else is answered by 404.
    """

    def __init__(self, routes: Routes) -> None:
        super().__init__(self._answer)
        self.routes = routes

    def count(self, route: str) -> int:
        """Return how many requests came for a method and path."""
        return sum(request.route == route for request in self.requests)

    def _answer(self, request: Request) -> Reply:
        reply = self.routes.get(request.route)
        if reply is None:
            return json_reply({"detail": f"no answer to {request.route}"}, 404)
        if isinstance(reply, Reply):
            return reply
        return reply.pop(0) if len(reply) > 1 else reply[0]
