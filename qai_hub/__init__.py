"""A client for Qualcomm AI Hub, generated from an OpenAPI contract, and a local hub.

Names are imported when they are first used. This project is not affiliated with Qualcomm.

Examples:
    >>> import qai_hub as hub
    >>> job = hub.submit_compile_job("model.onnx", hub.Device("Samsung Galaxy S24"))
    >>> print(job.wait())
    SUCCESS
"""

# Where the official client has overwritten this module, this name is missing.
__distribution__ = "qai-hub-openapi"

# Not typing.TYPE_CHECKING: importing typing costs more than this whole module.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from qai_hub import aio as aio
    from qai_hub import client as client
    from qai_hub import hub as hub
    from qai_hub._version import __version__ as __version__
    from qai_hub.client import Client as Client
    from qai_hub.client import ClientConfig as ClientConfig
    from qai_hub.client import CompileJob as CompileJob
    from qai_hub.client import CompileJobResult as CompileJobResult
    from qai_hub.client import CompileJobSummary as CompileJobSummary
    from qai_hub.client import ComputeUnitUse as ComputeUnitUse
    from qai_hub.client import Dataset as Dataset
    from qai_hub.client import DatasetReader as DatasetReader
    from qai_hub.client import Device as Device
    from qai_hub.client import Error as Error
    from qai_hub.client import Framework as Framework
    from qai_hub.client import InferenceJob as InferenceJob
    from qai_hub.client import InferenceJobResult as InferenceJobResult
    from qai_hub.client import InferenceJobSummary as InferenceJobSummary
    from qai_hub.client import InputSpecs as InputSpecs
    from qai_hub.client import InternalError as InternalError
    from qai_hub.client import IOSpec as IOSpec
    from qai_hub.client import Job as Job
    from qai_hub.client import JobArtifactType as JobArtifactType
    from qai_hub.client import JobLock as JobLock
    from qai_hub.client import JobResult as JobResult
    from qai_hub.client import JobStatus as JobStatus
    from qai_hub.client import JobSummary as JobSummary
    from qai_hub.client import JobType as JobType
    from qai_hub.client import Layer as Layer
    from qai_hub.client import LayerAccuracy as LayerAccuracy
    from qai_hub.client import LayerAccuracyReport as LayerAccuracyReport
    from qai_hub.client import LinkJob as LinkJob
    from qai_hub.client import LinkJobResult as LinkJobResult
    from qai_hub.client import LinkJobSummary as LinkJobSummary
    from qai_hub.client import LockDifference as LockDifference
    from qai_hub.client import LockedFile as LockedFile
    from qai_hub.client import LockedJob as LockedJob
    from qai_hub.client import LockReplay as LockReplay
    from qai_hub.client import MemoryRange as MemoryRange
    from qai_hub.client import MixedPrecisionLayer as MixedPrecisionLayer
    from qai_hub.client import MixedPrecisionProposal as MixedPrecisionProposal
    from qai_hub.client import Model as Model
    from qai_hub.client import ModelCheck as ModelCheck
    from qai_hub.client import ModelMetadataKey as ModelMetadataKey
    from qai_hub.client import NodeCheck as NodeCheck
    from qai_hub.client import Notice as Notice
    from qai_hub.client import Profile as Profile
    from qai_hub.client import ProfileJob as ProfileJob
    from qai_hub.client import ProfileJobResult as ProfileJobResult
    from qai_hub.client import ProfileJobSummary as ProfileJobSummary
    from qai_hub.client import ProfilePhase as ProfilePhase
    from qai_hub.client import Project as Project
    from qai_hub.client import QuantizedTensor as QuantizedTensor
    from qai_hub.client import QuantizeDtype as QuantizeDtype
    from qai_hub.client import QuantizeJob as QuantizeJob
    from qai_hub.client import QuantizeJobResult as QuantizeJobResult
    from qai_hub.client import QuantizeJobSummary as QuantizeJobSummary
    from qai_hub.client import RateLimitedError as RateLimitedError
    from qai_hub.client import SourceModelType as SourceModelType
    from qai_hub.client import TargetCheck as TargetCheck
    from qai_hub.client import TargetCheckOutput as TargetCheckOutput
    from qai_hub.client import TargetCheckSlice as TargetCheckSlice
    from qai_hub.client import TensorRangeReport as TensorRangeReport
    from qai_hub.client import TensorSpec as TensorSpec
    from qai_hub.client import User as User
    from qai_hub.client import UserError as UserError
    from qai_hub.hub import as_completed as as_completed
    from qai_hub.hub import cancel_job as cancel_job
    from qai_hub.hub import check_model as check_model
    from qai_hub.hub import create_sign_in_link as create_sign_in_link
    from qai_hub.hub import get_dataset as get_dataset
    from qai_hub.hub import get_datasets as get_datasets
    from qai_hub.hub import get_device_attributes as get_device_attributes
    from qai_hub.hub import get_devices as get_devices
    from qai_hub.hub import get_frameworks as get_frameworks
    from qai_hub.hub import get_job as get_job
    from qai_hub.hub import get_job_summaries as get_job_summaries
    from qai_hub.hub import get_model as get_model
    from qai_hub.hub import get_models as get_models
    from qai_hub.hub import get_user as get_user
    from qai_hub.hub import iter_datasets as iter_datasets
    from qai_hub.hub import iter_job_summaries as iter_job_summaries
    from qai_hub.hub import iter_jobs as iter_jobs
    from qai_hub.hub import iter_models as iter_models
    from qai_hub.hub import lock_jobs as lock_jobs
    from qai_hub.hub import replay_lock as replay_lock
    from qai_hub.hub import set_session_token as set_session_token
    from qai_hub.hub import set_verbose as set_verbose
    from qai_hub.hub import submit_compile_and_link_jobs as submit_compile_and_link_jobs
    from qai_hub.hub import submit_compile_and_profile_jobs as submit_compile_and_profile_jobs
    from qai_hub.hub import submit_compile_job as submit_compile_job
    from qai_hub.hub import submit_inference_job as submit_inference_job
    from qai_hub.hub import submit_link_job as submit_link_job
    from qai_hub.hub import submit_profile_job as submit_profile_job
    from qai_hub.hub import submit_quantize_job as submit_quantize_job
    from qai_hub.hub import upload_dataset as upload_dataset
    from qai_hub.hub import upload_model as upload_model
    from qai_hub.hub import wait_all as wait_all
else:
    from os.path import exists as _exists

    from qai_hub import forking as forking

    # The official client's command. A package of this name may be of both.
    if _exists(f"{__path__[0]}/_cli.py"):  # noqa: PTH110 - pathlib is not loaded for this
        from qai_hub.coexistence import warn_of_official_files

        warn_of_official_files()

    def __getattr__(name: str) -> object:
        from importlib import import_module

        from qai_hub._names import COMPATIBLE_MODULES, MODULE_OF, MODULES

        if name in MODULES or name in COMPATIBLE_MODULES:
            return import_module(f"{__name__}.{name}")
        value: object
        if name == "__all__":
            value = list(MODULE_OF)
        elif name in MODULE_OF:
            value = getattr(import_module(f"{__name__}.{MODULE_OF[name]}"), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        from qai_hub._names import MODULE_OF, MODULES

        return sorted({*globals(), *MODULE_OF, *MODULES})
