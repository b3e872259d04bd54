"""A small protobuf-only server that knows nothing of our contract.

Run by an interpreter that has the official client: every message is one of that package's own
classes. It keeps everything in memory and runs nothing: a compile job's target model is its input,
an inference job's outputs are its inputs. It prints its port.
"""

import gzip
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from qai_hub import public_api_pb2 as pb

PROTOBUF = "application/x-protobuf"
TOKEN = "of-the-official-server"
PART_SIZE = 1000
ME = pb.User(id=2**64 - 1, email="me@example.com", org_id=7)


class Refused(Exception):
    """An answer other than success."""

    def __init__(self, status: int, body: str, media: str = "application/json") -> None:
        super().__init__(body)
        self.status, self.body, self.media = status, body, media


class World:
    """What the server knows."""

    def __init__(self) -> None:
        self.models: dict[str, Any] = {}
        self.datasets: dict[str, Any] = {}
        self.jobs: dict[str, Any] = {}
        self.files: dict[str, bytes] = {}
        self.shares: dict[str, list[str]] = {}
        self.created = 0
        self.lock = threading.RLock()

    def key(self, letter: str) -> str:
        self.created += 1
        return f"{letter}{self.created:08x}"


WORLD = World()


class Handler(BaseHTTPRequestHandler):
    """Answers as the official service does, as far as it is known."""

    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        url = urlsplit(self.path)
        self.query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        self.content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            self.content = self.read_chunks()
        try:
            with WORLD.lock:
                if url.path.startswith("/storage/"):
                    self.storage(url.path.removeprefix("/storage/"))
                    return
                self.check()
                answer = self.route(url.path.removeprefix("/api/v1"))
            body, extra = answer.SerializeToString(), {}
            if "gzip" in self.headers.get("Accept-Encoding", "") and len(body) > 100:
                body, extra = gzip.compress(body), {"Content-Encoding": "gzip"}
            self.respond(201 if self.command == "POST" else 200, body, PROTOBUF, **extra)
        except Refused as refused:
            self.respond(refused.status, refused.body.encode(), refused.media)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def read_chunks(self) -> bytes:
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def respond(self, status: int, body: bytes, media: str, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def check(self) -> None:
        if self.headers.get("Authorization") != f"token {TOKEN}":
            raise Refused(401, '{"detail": "Invalid token."}')
        if self.headers.get("Content-Type") != PROTOBUF:
            raise Refused(415, '{"detail": "Unsupported media type."}')
        for name in ("Client-Version", "User-Agent"):
            if not self.headers.get(name):
                raise Refused(426, json.dumps({"detail": f"{name} is missing."}))

    def route(self, path: str) -> Any:
        for method, pattern, name in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and method == self.command:
                answer: Any = getattr(self, name)(*match.groups())
                return answer
        raise Refused(404, "<html><body>Not found</body></html>", "text/html")

    # Models and datasets.

    def create_model(self) -> Any:
        model = pb.Model.FromString(self.content)
        assert model.HasField("name"), "a name has explicit presence"
        model.model_id = WORLD.key("m")
        model.creation_time.GetCurrentTime()
        model.owner.CopyFrom(ME)
        WORLD.models[model.model_id] = model
        return created(model.model_id)

    def get_model(self, key: str) -> Any:
        return found(WORLD.models, key)

    def list_models(self) -> Any:
        return pb.ModelList(
            models=reversed(WORLD.models.values()), total_query_count=len(WORLD.models)
        )

    def start_model_upload(self, key: str) -> Any:
        count = -(-int(self.query["file_size"]) // PART_SIZE)
        WORLD.files.pop(key, None)
        urls = [self.address(f"parts/{key}/{part}?signature=s") for part in range(count)]
        url = pb.FileMultipartUploadURL(urls=urls, upload_id=f"u-{key}", max_part_size=PART_SIZE)
        return self.full_or_bare(pb.FileUploadResponse(multipart_url=url), url)

    def finish_model_upload(self, key: str) -> Any:
        done = pb.FileMultipartUploadComplete.FromString(self.content)
        if done.upload_id != f"u-{key}":
            raise Refused(404, '{"detail": "No such upload."}')
        parts = [WORLD.files.pop(f"{key}/{part}") for part in range(len(done.etags))]
        if [f'"{hash(part) & 0xFFFF:x}"' for part in parts] != list(done.etags):
            raise Refused(409, '{"detail": "Parts differ."}')
        WORLD.files[key] = b"".join(parts)
        WORLD.models[key].file_upload_complete = True
        return created(key)

    def download_model(self, key: str) -> Any:
        url = pb.FileDownloadURL(url=self.address(f"files/{key}?signature=s"), filename="m.onnx")
        return self.full_or_bare(pb.FileDownloadResponse(url=url), url)

    def create_dataset(self) -> Any:
        dataset = pb.Dataset.FromString(self.content)
        dataset.dataset_id = WORLD.key("d")
        dataset.creation_time.GetCurrentTime()
        dataset.expiration_time.FromSeconds(dataset.creation_time.seconds + 30 * 86400)
        WORLD.datasets[dataset.dataset_id] = dataset
        return created(dataset.dataset_id)

    def get_dataset(self, key: str) -> Any:
        return found(WORLD.datasets, key)

    def start_dataset_upload(self, key: str) -> Any:
        fields = {"key": key, "policy": "p"}
        url = pb.FileUploadURL(url=self.address("form"), file_field_name="file", fields=fields)
        return self.full_or_bare(pb.FileUploadResponse(url=url), url)

    def update_dataset(self, key: str) -> Any:
        change = pb.Dataset.FromString(self.content)
        assert change.HasField("file_upload_complete")
        assert not change.HasField("name"), "what is not changed is not sent"
        WORLD.datasets[key].file_upload_complete = change.file_upload_complete
        return created(key)

    def download_dataset(self, key: str) -> Any:
        url = pb.FileDownloadURL(url=self.address(f"files/{key}?signature=s"), filename="d.h5")
        return self.full_or_bare(pb.FileDownloadResponse(url=url), url)

    # Jobs.

    def create_job(self) -> Any:
        job = pb.Job.FromString(self.content)
        key = WORLD.key("j")
        job.hub_version = "2026.11"
        job.notices.add(context=999, severity=pb.Notice.Severity.INFO, message="a notice")
        job.available_artifacts.extend([pb.JOB_ARTIFACT_TYPE_HUB_LOG, 4242])
        if job.WhichOneof("job") == "compile_job":
            assert self.query.get("seed_target_model") in {"true", "True"}
            part = job.compile_job
            part.compile_job_id = key
            part.device.CopyFrom(part.devices.devices[0])
            target = pb.Model(model_id=WORLD.key("m"), producer_id=key, name="target")
            target.creation_time.GetCurrentTime()
            WORLD.models[target.model_id] = target
            WORLD.files[target.model_id] = WORLD.files[part.model.model_id]
            part.target_model.CopyFrom(target)
        else:
            part = job.inference_job
            part.inference_job_id = key
            part.user.CopyFrom(ME)
        part.name = part.name or "unnamed"
        part.job_state = pb.JOB_STATE_CREATED
        part.creation_time.FromMicroseconds(1_767_323_045_000_006)
        WORLD.jobs[key] = job
        return created(key)

    def get_job(self, key: str) -> Any:
        """Each look takes a job a step further: one of its states is not in any release."""
        job = found(WORLD.jobs, key)
        answer = type(job)()
        answer.CopyFrom(job)
        part = getattr(job, job.WhichOneof("job"))
        steps = {pb.JOB_STATE_CREATED: 4711, 4711: pb.JOB_STATE_DONE}
        part.job_state = steps.get(part.job_state, part.job_state)
        if part.name == "to fail" and part.job_state == pb.JOB_STATE_DONE:
            part.job_state = pb.JOB_STATE_FAILED
            part.failure_reason = "It was to fail."
            job.failure_type = 77
        return answer

    def update_job(self, key: str) -> Any:
        change = pb.JobPublicUpdate.FromString(self.content)
        job = found(WORLD.jobs, key)
        getattr(job, job.WhichOneof("job")).name = change.name
        return created(key)

    def job_result(self, key: str) -> Any:
        part = found(WORLD.jobs, key).inference_job
        memory = pb.ProfileDetail.MemoryUsage(
            increase=pb.Range(lower=1, upper=2), peak=pb.Range(lower=3, upper=2**63)
        )
        detail = pb.ProfileDetail(
            major_version=1,
            minor_version=2,
            execution_time=1234,
            after_execution_peak_memory=2**40,
            all_execution_times=[1234, 1300],
            execution_memory=memory,
            layer_details=[
                pb.LayerDetail(name="a", compute_unit=pb.COMPUTE_UNIT_NPU, execution_time=0),
                pb.LayerDetail(name="b", compute_unit=55, layer_type_name="Conv"),
            ],
            tool_versions=[pb.ToolVersion(name="QAIRT", version="2.40")],
        )
        result = pb.InferenceJobResult(
            inference_job_id=key, output_dataset_id=part.dataset.dataset_id, detail=detail
        )
        return pb.JobResult(inference_job_result=result)

    def download_target(self, key: str) -> Any:
        return self.download_model(found(WORLD.jobs, key).compile_job.target_model.model_id)

    def list_artifacts(self, key: str, attempt: str, kind: str) -> Any:
        assert (attempt, int(kind)) == ("latest", pb.JOB_ARTIFACT_TYPE_HUB_LOG)
        WORLD.files[f"{key}-log"] = b"a log"
        url = self.address(f"files/{key}-log?signature=s")
        artifact = pb.NamedArtifactDownloadURL(url=url, filename=f"{key}_hub.log")
        return pb.NamedArtifactDownloadURLList(artifacts=[artifact])

    def list_summaries(self) -> Any:
        summaries = []
        for job in reversed(WORLD.jobs.values()):
            kind = job.WhichOneof("job")
            part = getattr(job, kind)
            summary = pb.JobSummary()
            inner = getattr(summary, f"{kind}_summary")
            inner.job_id = getattr(part, f"{kind}_id")
            inner.name, inner.job_state = part.name, part.job_state
            inner.user.CopyFrom(ME)
            inner.creation_time.CopyFrom(part.creation_time)
            inner.device_name = part.device.name
            summaries.append(summary)
        wanted = self.query.get("state")
        assert wanted is None or re.fullmatch(r"\d+(,\d+)*", wanted)
        first, last = (
            int(self.query["offset"]),
            int(self.query["offset"]) + int(self.query["limit"]),
        )
        return pb.JobSummaryList(
            job_summaries=summaries[first:last], total_query_count=len(summaries)
        )

    # The rest.

    def list_devices(self) -> Any:
        assert self.query.get("select", "False") in {"False", "True"}
        device = pb.Device(name="Phone", os="14", attributes=["os:android", "hexagon:v75"])
        return pb.DeviceList(devices=[device], total_query_count=1)

    def list_frameworks(self) -> Any:
        framework = pb.Framework(name="QAIRT", api_version="2.40", api_tags=["default"])
        return pb.FrameworkList(frameworks=[framework])

    def get_user(self) -> Any:
        return ME

    def get_sharing(self, kind: str, key: str) -> Any:
        return pb.SharedAccess(email=WORLD.shares.get(key, []))

    def change_sharing(self, kind: str, key: str) -> Any:
        change = pb.SharedAccessChange.FromString(self.content)
        emails = [*WORLD.shares.get(key, []), *change.add_email]
        WORLD.shares[key] = [email for email in emails if email not in change.remove_email]
        return created(key)

    def end_sharing(self, kind: str, key: str) -> Any:
        WORLD.shares.pop(key, None)
        return created(key)

    def full_or_bare(self, full: Any, bare: Any) -> Any:
        return full if self.query.get("supports_s3_credentials") in {"true", "True"} else bare

    def address(self, path: str) -> str:
        return f"http://{self.headers['Host']}/storage/{path}"

    def storage(self, path: str) -> None:
        if self.headers.get("Authorization"):
            raise Refused(400, "<Code>NoAuth</Code>", "application/xml")
        kind, _, key = path.partition("/")
        if kind == "parts":
            WORLD.files[key] = self.content
            self.respond(200, b"", "text/plain", ETag=f'"{hash(self.content) & 0xFFFF:x}"')
        elif kind == "form":
            boundary = self.headers["Content-Type"].partition("boundary=")[2].encode()
            parts = {}
            for part in self.content.split(b"--" + boundary)[1:-1]:
                head, _, body = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
                name = re.search(rb'name="([^"]*)"', head)
                assert name is not None
                parts[name[1].decode()] = body.removesuffix(b"\r\n")
            WORLD.files[parts["key"].decode()] = parts["file"]
            self.respond(204, b"", "text/plain")
        elif key in WORLD.files:
            self.respond(200, WORLD.files[key], "application/octet-stream")
        else:
            raise Refused(403, "<Code>Expired</Code><Message>too late</Message>", "application/xml")

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


ROUTES = [
    ("GET", "/users/auth/user/", "get_user"),
    ("GET", "/devices/", "list_devices"),
    ("GET", "/frameworks/", "list_frameworks"),
    ("POST", "/models/", "create_model"),
    ("GET", "/models/", "list_models"),
    ("GET", "/models/(m[0-9a-f]+)/", "get_model"),
    ("GET", "/models/(m[0-9a-f]+)/multipart_upload/", "start_model_upload"),
    ("POST", "/models/(m[0-9a-f]+)/multipart_upload/", "finish_model_upload"),
    ("GET", "/models/(m[0-9a-f]+)/download/", "download_model"),
    ("POST", "/datasets/", "create_dataset"),
    ("GET", "/datasets/(d[0-9a-f]+)/", "get_dataset"),
    ("PATCH", "/datasets/(d[0-9a-f]+)/", "update_dataset"),
    ("GET", "/datasets/(d[0-9a-f]+)/upload_url/", "start_dataset_upload"),
    ("GET", "/datasets/(d[0-9a-f]+)/download_data/", "download_dataset"),
    ("POST", "/jobs/", "create_job"),
    ("GET", "/jobs/(j[0-9a-f]+)/", "get_job"),
    ("PATCH", "/jobs/(j[0-9a-f]+)/", "update_job"),
    ("GET", "/jobs/(j[0-9a-f]+)/result/", "job_result"),
    ("GET", "/jobs/(j[0-9a-f]+)/download_compiled_model/", "download_target"),
    ("GET", "/jobs/(j[0-9a-f]+)/device_runs/(.*)/artifact_list/(.*)/", "list_artifacts"),
    ("GET", "/job_summaries/", "list_summaries"),
    ("GET", "/(jobs|models|datasets)/(.*)/shared_access/", "get_sharing"),
    ("PATCH", "/(jobs|models|datasets)/(.*)/shared_access/", "change_sharing"),
    ("DELETE", "/(jobs|models|datasets)/(.*)/shared_access/", "end_sharing"),
]


def created(key: str) -> Any:
    """The answer to whatever creates or changes."""
    answer = pb.CreateUpdateResponse(id=key)
    answer.creation_time.GetCurrentTime()
    return answer


def found(things: dict[str, Any], key: str) -> Any:
    """What there is under a key."""
    if key not in things:
        raise Refused(404, json.dumps({"detail": f"There is no {key}."}))
    return things[key]


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
