"""The public names, each written down once.

The lazy loader, the module functions and the tests of surface, documentation and type checking read
this table. Type checkers need names written out: `make generate` writes them into
`qai_hub/__init__.py` and `qai_hub/hub.py`; the imports of `qai_hub/client/__init__.py` are by hand.
`test_names.py` compares.
"""

CONSTANTS = ("__version__",)
"""Constants, of the module `_version`."""

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
)
"""Classes and type aliases, of the module `client`."""

CLIENT_ONLY_TYPES = ("DatasetEntries",)
"""Those of the module `client` that `qai_hub` does not offer, as in the official client."""

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
"""Functions of the module `hub` that take jobs of any clients."""

MODULES = ("aio", "client", "hub")
"""Modules."""

COMPATIBLE_MODULES = ("api_utils", "public_api_pb2", "public_rest_api", "util")
"""Modules of the official client that scripts use; `dir()` keeps them back."""

MODULE_OF = (
    dict.fromkeys(CONSTANTS, "_version")
    | dict.fromkeys(TYPES, "client")
    | dict.fromkeys((*METHODS, *FUNCTIONS), "hub")
)
"""The module of `qai_hub` that each public name but those of modules comes from."""
