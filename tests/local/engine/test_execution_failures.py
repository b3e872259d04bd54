import subprocess
import sys


def test_a_model_that_memory_is_too_short_to_write() -> None:
    """The words are protobuf's: they are asked of itself, in a process of its own."""
    code = (
        "import resource, onnx\n"
        "from qai_hub.local.engine.failures import resource_failure_from_error\n"
        "model = onnx.ModelProto(doc_string='x' * (64 << 20))\n"
        "pages = int(open('/proc/self/statm').read().split()[0])\n"
        "limit = pages * resource.getpagesize() + (16 << 20)\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "try:\n    model.SerializeToString()\n"
        "except Exception as error:\n    print(resource_failure_from_error(error))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.strip() == "JOB_FAILURE_TYPE_RUNTIME_OUT_OF_MEMORY"
