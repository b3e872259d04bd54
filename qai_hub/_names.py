"""The table of public names.

The lazy loader, the functions of `hub` and the tests of the public surface, documentation and types
read this table. Type checkers need names written out: `make generate` writes them into
`qai_hub/__init__.py` and `qai_hub/hub.py`, and the imports of `qai_hub/client/__init__.py` are
written by hand. `tests/packaging/test_names.py` compares the lists.
"""

CONSTANTS = ("__version__",)
"""Constants, from the module `_version`."""

TYPES = (
    *("Client", "ClientConfig", "Dataset", "Device", "Framework", "InputSpecs", "IOSpec"),
    *("Error", "InternalError", "RateLimitedError", "UserError", "Notice", "Project"),
    *("Job", "CompileJob", "InferenceJob", "LinkJob", "ProfileJob", "QuantizeJob"),
    *("JobResult", "CompileJobResult", "InferenceJobResult", "LinkJobResult"),
    *("ProfileJobResult", "QuantizeJobResult", "JobArtifactType", "JobStatus", "JobType"),
    *("JobSummary", "CompileJobSummary", "InferenceJobSummary", "LinkJobSummary"),
    *("ProfileJobSummary", "QuantizeJobSummary", "Model", "ModelMetadataKey"),
    *("QuantizeDtype", "SourceModelType", "TensorSpec", "User"),
    *("Profile", "ProfilePhase", "Layer", "MemoryRange", "ComputeUnitUse"),
    *("LayerAccuracy", "LayerAccuracyReport", "MixedPrecisionLayer", "MixedPrecisionProposal"),
)
"""Classes and type aliases, from the module `client`."""

CLIENT_ONLY_TYPES = ("DatasetEntries",)
"""Types of the module `client` that `qai_hub` does not export, as in the official client."""

METHODS = (
    *("cancel_job", "get_dataset", "get_datasets", "get_device_attributes", "get_devices"),
    *("get_frameworks", "get_job", "get_job_summaries", "get_model", "get_models"),
    *("iter_datasets", "iter_job_summaries", "iter_jobs", "iter_models"),
    *("set_session_token", "set_verbose", "submit_compile_and_link_jobs"),
    *("submit_compile_and_profile_jobs", "submit_compile_job", "submit_inference_job"),
    *("submit_link_job", "submit_profile_job", "submit_quantize_job"),
    *("upload_dataset", "upload_model"),
)
"""Methods of the client that the module `hub` offers as functions, bound to a default client."""

FUNCTIONS = ("as_completed", "wait_all")
"""Functions of the module `hub` that accept jobs from any client."""

MODULES = ("aio", "client", "hub")
"""Modules."""

COMPATIBLE_MODULES = ("api_utils", "public_api_pb2", "public_rest_api", "util")
"""Modules of the official client that scripts use; `dir()` omits them."""

MODULE_OF = (
    dict.fromkeys(CONSTANTS, "_version")
    | dict.fromkeys(TYPES, "client")
    | dict.fromkeys((*METHODS, *FUNCTIONS), "hub")
)
"""The module of `qai_hub` that defines each public name, except for modules."""
