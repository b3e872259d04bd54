"""A server that sends prepared responses, so that a benchmark measures only the client.

    python canned_server.py FOLDER [CERTIFICATE KEY]

The bodies are `job.json`, `job.pb`, `summaries.json` and `summaries.pb` in `FOLDER`. Clients that
send or accept protobuf get protobuf. The server prints its port.
"""

import ssl
import sys
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

JSON, PROTOBUF = b"application/json", b"application/x-protobuf"


def answers(folder: Path) -> dict[tuple[str, bytes], bytes]:
    """Returns complete HTTP responses, by the name of the body and its media type."""
    made = {}
    for suffix, media in (("json", JSON), ("pb", PROTOBUF)):
        for name in ("job", "summaries"):
            body = (folder / f"{name}.{suffix}").read_bytes()
            head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
            made[name, media] = head % (media, len(body)) + body
    return made


def serve(folder: Path, certificate: list[str]) -> None:
    """Serves until the process is terminated."""
    made = answers(folder)

    class Answering(StreamRequestHandler):
        disable_nagle_algorithm = True

        def handle(self) -> None:
            head = b""
            for line in self.rfile:
                head += line
                if line == b"\r\n":
                    name = "summaries" if b"/job_summaries/" in head else "job"
                    self.wfile.write(made[name, PROTOBUF if PROTOBUF in head else JSON])
                    head = b""

    with ThreadingTCPServer(("127.0.0.1", 0), Answering) as server:
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2:])
