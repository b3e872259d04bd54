"""A server that answers with bodies made beforehand, so that a benchmark measures the client.

    python canned_server.py FOLDER [CERTIFICATE KEY]

`FOLDER/job.json`, `job.pb`, `summaries.json` and `summaries.pb` are the bodies; protobuf goes to
whoever sends or accepts it. The port is printed.
"""

import asyncio
import ssl
import sys
from pathlib import Path

JSON, PROTOBUF = b"application/json", b"application/x-protobuf"


def answers(folder: Path) -> dict[tuple[str, bytes], bytes]:
    """Whole HTTP answers by name of the body and media type."""
    made = {}
    for suffix, media in (("json", JSON), ("pb", PROTOBUF)):
        for name in ("job", "summaries"):
            body = (folder / f"{name}.{suffix}").read_bytes()
            head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
            made[name, media] = head % (media, len(body)) + body
    return made


async def serve(folder: Path, certificate: list[str]) -> None:
    """Serves until it is ended."""
    made = answers(folder)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                name = "summaries" if b"/job_summaries/" in head else "job"
                writer.write(made[name, PROTOBUF if PROTOBUF in head else JSON])
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2:]))
