"""The table of public names.

The lazy loader, the functions of `hub` and the tests of the public surface, documentation and types
read this table. `make generate` writes its types and methods from `qai_hub.client`, which loading
must not import, and all names into `qai_hub/__init__.py` and `qai_hub/hub.py`, for type checkers.
`tests/packaging/test_names.py` compares the lists.
"""

CONSTANTS = ("__version__",)
"""Constants, from the module `_version`."""

TYPES = (
    "Client",
    "ClientConfig",
    "CompileJob",
    "CompileJobResult",
    "CompileJobSummary",
    "ComputeUnitUse",
    "Dataset",
    "DatasetReader",
    "Device",
    "Error",
    "Framework",
    "IOSpec",
    "InferenceJob",
    "InferenceJobResult",
    "InferenceJobSummary",
    "InputSpecs",
    "InternalError",
    "Job",
    "JobArtifactType",
    "JobLock",
    "JobResult",
    "JobStatus",
    "JobSummary",
    "JobType",
    "Layer",
    "LayerAccuracy",
    "LayerAccuracyReport",
    "LinkJob",
    "LinkJobResult",
    "LinkJobSummary",
    "LockDifference",
    "LockReplay",
    "LockedFile",
    "LockedJob",
    "MemoryRange",
    "MixedPrecisionLayer",
    "MixedPrecisionProposal",
    "Model",
    "ModelCheck",
    "ModelMetadataKey",
    "NodeCheck",
    "Notice",
    "Profile",
    "ProfileJob",
    "ProfileJobResult",
    "ProfileJobSummary",
    "ProfilePhase",
    "Project",
    "QuantizeDtype",
    "QuantizeJob",
    "QuantizeJobResult",
    "QuantizeJobSummary",
    "QuantizedTensor",
    "RateLimitedError",
    "SourceModelType",
    "TargetCheck",
    "TargetCheckOutput",
    "TargetCheckSlice",
    "TensorRangeReport",
    "TensorSpec",
    "User",
    "UserError",
)
"""Classes and type aliases, from the module `client`."""

CLIENT_ONLY_TYPES = ("DatasetEntries", "DatasetSamples")
"""Types of the module `client` that `qai_hub` does not export, as in the official client."""

METHODS = (
    "cancel_job",
    "create_sign_in_link",
    "get_dataset",
    "get_datasets",
    "get_device_attributes",
    "get_devices",
    "get_frameworks",
    "get_job",
    "get_job_summaries",
    "get_model",
    "get_models",
    "get_user",
    "iter_datasets",
    "iter_job_summaries",
    "iter_jobs",
    "iter_models",
    "lock_jobs",
    "replay_lock",
    "set_session_token",
    "set_verbose",
    "submit_compile_and_link_jobs",
    "submit_compile_and_profile_jobs",
    "submit_compile_job",
    "submit_inference_job",
    "submit_link_job",
    "submit_profile_job",
    "submit_quantize_job",
    "upload_dataset",
    "upload_model",
)
"""Methods of the client that the module `hub` offers as functions, bound to a default client."""

FUNCTIONS = ("as_completed", "check_model", "wait_all")
"""Functions of the module `hub` that need no client, or accept jobs from any client."""

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
