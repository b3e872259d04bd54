"""The contract's schemas, each imported on first use: importing all of them takes a tenth of a second."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .api_token import ApiToken as ApiToken
    from .compile_detail import CompileDetail as CompileDetail
    from .compile_job import CompileJob as CompileJob
    from .compile_job_result import CompileJobResult as CompileJobResult
    from .compile_job_submit import CompileJobSubmit as CompileJobSubmit
    from .compile_job_summary import CompileJobSummary as CompileJobSummary
    from .compute_unit import ComputeUnit as ComputeUnit
    from .create_update_response import CreateUpdateResponse as CreateUpdateResponse
    from .credentials import Credentials as Credentials
    from .dataset import Dataset as Dataset
    from .dataset_authorization import DatasetAuthorization as DatasetAuthorization
    from .dataset_create import DatasetCreate as DatasetCreate
    from .dataset_list import DatasetList as DatasetList
    from .dataset_permission import DatasetPermission as DatasetPermission
    from .dataset_reference import DatasetReference as DatasetReference
    from .dataset_update import DatasetUpdate as DatasetUpdate
    from .delete_response import DeleteResponse as DeleteResponse
    from .device import Device as Device
    from .device_list import DeviceList as DeviceList
    from .device_query import DeviceQuery as DeviceQuery
    from .device_query_list import DeviceQueryList as DeviceQueryList
    from .field_error import FieldError as FieldError
    from .file_download_response import FileDownloadResponse as FileDownloadResponse
    from .file_download_url import FileDownloadURL as FileDownloadURL
    from .file_multipart_upload_url import (
        FileMultipartUploadURL as FileMultipartUploadURL,
    )
    from .file_upload_response import FileUploadResponse as FileUploadResponse
    from .file_upload_url import FileUploadURL as FileUploadURL
    from .file_upload_url_fields import FileUploadURLFields as FileUploadURLFields
    from .framework import Framework as Framework
    from .framework_list import FrameworkList as FrameworkList
    from .health import Health as Health
    from .inference_job import InferenceJob as InferenceJob
    from .inference_job_result import InferenceJobResult as InferenceJobResult
    from .inference_job_submit import InferenceJobSubmit as InferenceJobSubmit
    from .inference_job_summary import InferenceJobSummary as InferenceJobSummary
    from .job import Job as Job
    from .job_artifact_type import JobArtifactType as JobArtifactType
    from .job_authorization import JobAuthorization as JobAuthorization
    from .job_failure_type import JobFailureType as JobFailureType
    from .job_list import JobList as JobList
    from .job_order import JobOrder as JobOrder
    from .job_permission import JobPermission as JobPermission
    from .job_result import JobResult as JobResult
    from .job_state import JobState as JobState
    from .job_submit import JobSubmit as JobSubmit
    from .job_summary import JobSummary as JobSummary
    from .job_summary_list import JobSummaryList as JobSummaryList
    from .job_type import JobType as JobType
    from .job_type_name import JobTypeName as JobTypeName
    from .job_update import JobUpdate as JobUpdate
    from .layer_accuracy import LayerAccuracy as LayerAccuracy
    from .layer_accuracy_report import LayerAccuracyReport as LayerAccuracyReport
    from .layer_detail import LayerDetail as LayerDetail
    from .link_detail import LinkDetail as LinkDetail
    from .link_job import LinkJob as LinkJob
    from .link_job_result import LinkJobResult as LinkJobResult
    from .link_job_submit import LinkJobSubmit as LinkJobSubmit
    from .link_job_summary import LinkJobSummary as LinkJobSummary
    from .mixed_precision_layer import MixedPrecisionLayer as MixedPrecisionLayer
    from .mixed_precision_proposal import (
        MixedPrecisionProposal as MixedPrecisionProposal,
    )
    from .model import Model as Model
    from .model_authorization import ModelAuthorization as ModelAuthorization
    from .model_create import ModelCreate as ModelCreate
    from .model_list import ModelList as ModelList
    from .model_metadata import ModelMetadata as ModelMetadata
    from .model_metadata_entries import ModelMetadataEntries as ModelMetadataEntries
    from .model_metadata_key import ModelMetadataKey as ModelMetadataKey
    from .model_permission import ModelPermission as ModelPermission
    from .model_reference import ModelReference as ModelReference
    from .model_reference_list import ModelReferenceList as ModelReferenceList
    from .model_type import ModelType as ModelType
    from .model_update import ModelUpdate as ModelUpdate
    from .multipart_upload_finish import MultipartUploadFinish as MultipartUploadFinish
    from .named_artifact_download_url import (
        NamedArtifactDownloadURL as NamedArtifactDownloadURL,
    )
    from .named_artifact_download_url_list import (
        NamedArtifactDownloadURLList as NamedArtifactDownloadURLList,
    )
    from .named_tensor_type import NamedTensorType as NamedTensorType
    from .named_tensor_type_list import NamedTensorTypeList as NamedTensorTypeList
    from .named_tensor_type_list_submit import (
        NamedTensorTypeListSubmit as NamedTensorTypeListSubmit,
    )
    from .named_tensor_type_submit import NamedTensorTypeSubmit as NamedTensorTypeSubmit
    from .notice import Notice as Notice
    from .notice_context import NoticeContext as NoticeContext
    from .notice_severity import NoticeSeverity as NoticeSeverity
    from .problem import Problem as Problem
    from .profile_detail import ProfileDetail as ProfileDetail
    from .profile_detail_memory_usage import (
        ProfileDetailMemoryUsage as ProfileDetailMemoryUsage,
    )
    from .profile_job import ProfileJob as ProfileJob
    from .profile_job_result import ProfileJobResult as ProfileJobResult
    from .profile_job_summary import ProfileJobSummary as ProfileJobSummary
    from .quantize_detail import QuantizeDetail as QuantizeDetail
    from .quantize_detail_psnr import QuantizeDetailPsnr as QuantizeDetailPsnr
    from .quantize_dtype import QuantizeDtype as QuantizeDtype
    from .quantize_job import QuantizeJob as QuantizeJob
    from .quantize_job_result import QuantizeJobResult as QuantizeJobResult
    from .quantize_job_submit import QuantizeJobSubmit as QuantizeJobSubmit
    from .quantize_job_summary import QuantizeJobSummary as QuantizeJobSummary
    from .quantized_tensor import QuantizedTensor as QuantizedTensor
    from .quantized_tensor_kind import QuantizedTensorKind as QuantizedTensorKind
    from .range_ import Range as Range
    from .received_part import ReceivedPart as ReceivedPart
    from .runtime_config import RuntimeConfig as RuntimeConfig
    from .runtime_config_property import RuntimeConfigProperty as RuntimeConfigProperty
    from .s3_credentials import S3Credentials as S3Credentials
    from .segment_detail import SegmentDetail as SegmentDetail
    from .service_status import ServiceStatus as ServiceStatus
    from .shared_access import SharedAccess as SharedAccess
    from .sharing_update import SharingUpdate as SharingUpdate
    from .sign_in_link import SignInLink as SignInLink
    from .target_check import TargetCheck as TargetCheck
    from .target_check_output import TargetCheckOutput as TargetCheckOutput
    from .target_check_slice import TargetCheckSlice as TargetCheckSlice
    from .target_check_status import TargetCheckStatus as TargetCheckStatus
    from .tensor_dtype import TensorDtype as TensorDtype
    from .tensor_range_report import TensorRangeReport as TensorRangeReport
    from .tensor_type import TensorType as TensorType
    from .tensor_type_submit import TensorTypeSubmit as TensorTypeSubmit
    from .tool_version import ToolVersion as ToolVersion
    from .upload_form import UploadForm as UploadForm
    from .user import User as User
    from .validation_error import ValidationError as ValidationError
else:
    _MODULES = {
        "ApiToken": ".api_token",
        "CompileDetail": ".compile_detail",
        "CompileJob": ".compile_job",
        "CompileJobResult": ".compile_job_result",
        "CompileJobSubmit": ".compile_job_submit",
        "CompileJobSummary": ".compile_job_summary",
        "ComputeUnit": ".compute_unit",
        "CreateUpdateResponse": ".create_update_response",
        "Credentials": ".credentials",
        "Dataset": ".dataset",
        "DatasetAuthorization": ".dataset_authorization",
        "DatasetCreate": ".dataset_create",
        "DatasetList": ".dataset_list",
        "DatasetPermission": ".dataset_permission",
        "DatasetReference": ".dataset_reference",
        "DatasetUpdate": ".dataset_update",
        "DeleteResponse": ".delete_response",
        "Device": ".device",
        "DeviceList": ".device_list",
        "DeviceQuery": ".device_query",
        "DeviceQueryList": ".device_query_list",
        "FieldError": ".field_error",
        "FileDownloadResponse": ".file_download_response",
        "FileDownloadURL": ".file_download_url",
        "FileMultipartUploadURL": ".file_multipart_upload_url",
        "FileUploadResponse": ".file_upload_response",
        "FileUploadURL": ".file_upload_url",
        "FileUploadURLFields": ".file_upload_url_fields",
        "Framework": ".framework",
        "FrameworkList": ".framework_list",
        "Health": ".health",
        "InferenceJob": ".inference_job",
        "InferenceJobResult": ".inference_job_result",
        "InferenceJobSubmit": ".inference_job_submit",
        "InferenceJobSummary": ".inference_job_summary",
        "Job": ".job",
        "JobArtifactType": ".job_artifact_type",
        "JobAuthorization": ".job_authorization",
        "JobFailureType": ".job_failure_type",
        "JobList": ".job_list",
        "JobOrder": ".job_order",
        "JobPermission": ".job_permission",
        "JobResult": ".job_result",
        "JobState": ".job_state",
        "JobSubmit": ".job_submit",
        "JobSummary": ".job_summary",
        "JobSummaryList": ".job_summary_list",
        "JobType": ".job_type",
        "JobTypeName": ".job_type_name",
        "JobUpdate": ".job_update",
        "LayerAccuracy": ".layer_accuracy",
        "LayerAccuracyReport": ".layer_accuracy_report",
        "LayerDetail": ".layer_detail",
        "LinkDetail": ".link_detail",
        "LinkJob": ".link_job",
        "LinkJobResult": ".link_job_result",
        "LinkJobSubmit": ".link_job_submit",
        "LinkJobSummary": ".link_job_summary",
        "MixedPrecisionLayer": ".mixed_precision_layer",
        "MixedPrecisionProposal": ".mixed_precision_proposal",
        "Model": ".model",
        "ModelAuthorization": ".model_authorization",
        "ModelCreate": ".model_create",
        "ModelList": ".model_list",
        "ModelMetadata": ".model_metadata",
        "ModelMetadataEntries": ".model_metadata_entries",
        "ModelMetadataKey": ".model_metadata_key",
        "ModelPermission": ".model_permission",
        "ModelReference": ".model_reference",
        "ModelReferenceList": ".model_reference_list",
        "ModelType": ".model_type",
        "ModelUpdate": ".model_update",
        "MultipartUploadFinish": ".multipart_upload_finish",
        "NamedArtifactDownloadURL": ".named_artifact_download_url",
        "NamedArtifactDownloadURLList": ".named_artifact_download_url_list",
        "NamedTensorType": ".named_tensor_type",
        "NamedTensorTypeList": ".named_tensor_type_list",
        "NamedTensorTypeListSubmit": ".named_tensor_type_list_submit",
        "NamedTensorTypeSubmit": ".named_tensor_type_submit",
        "Notice": ".notice",
        "NoticeContext": ".notice_context",
        "NoticeSeverity": ".notice_severity",
        "Problem": ".problem",
        "ProfileDetail": ".profile_detail",
        "ProfileDetailMemoryUsage": ".profile_detail_memory_usage",
        "ProfileJob": ".profile_job",
        "ProfileJobResult": ".profile_job_result",
        "ProfileJobSummary": ".profile_job_summary",
        "QuantizeDetail": ".quantize_detail",
        "QuantizeDetailPsnr": ".quantize_detail_psnr",
        "QuantizeDtype": ".quantize_dtype",
        "QuantizeJob": ".quantize_job",
        "QuantizeJobResult": ".quantize_job_result",
        "QuantizeJobSubmit": ".quantize_job_submit",
        "QuantizeJobSummary": ".quantize_job_summary",
        "QuantizedTensor": ".quantized_tensor",
        "QuantizedTensorKind": ".quantized_tensor_kind",
        "Range": ".range_",
        "ReceivedPart": ".received_part",
        "RuntimeConfig": ".runtime_config",
        "RuntimeConfigProperty": ".runtime_config_property",
        "S3Credentials": ".s3_credentials",
        "SegmentDetail": ".segment_detail",
        "ServiceStatus": ".service_status",
        "SharedAccess": ".shared_access",
        "SharingUpdate": ".sharing_update",
        "SignInLink": ".sign_in_link",
        "TargetCheck": ".target_check",
        "TargetCheckOutput": ".target_check_output",
        "TargetCheckSlice": ".target_check_slice",
        "TargetCheckStatus": ".target_check_status",
        "TensorDtype": ".tensor_dtype",
        "TensorRangeReport": ".tensor_range_report",
        "TensorType": ".tensor_type",
        "TensorTypeSubmit": ".tensor_type_submit",
        "ToolVersion": ".tool_version",
        "UploadForm": ".upload_form",
        "User": ".user",
        "ValidationError": ".validation_error",
    }

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_MODULES[name], __name__), name)
        return value


__all__ = (
    "ApiToken",
    "CompileDetail",
    "CompileJob",
    "CompileJobResult",
    "CompileJobSubmit",
    "CompileJobSummary",
    "ComputeUnit",
    "CreateUpdateResponse",
    "Credentials",
    "Dataset",
    "DatasetAuthorization",
    "DatasetCreate",
    "DatasetList",
    "DatasetPermission",
    "DatasetReference",
    "DatasetUpdate",
    "DeleteResponse",
    "Device",
    "DeviceList",
    "DeviceQuery",
    "DeviceQueryList",
    "FieldError",
    "FileDownloadResponse",
    "FileDownloadURL",
    "FileMultipartUploadURL",
    "FileUploadResponse",
    "FileUploadURL",
    "FileUploadURLFields",
    "Framework",
    "FrameworkList",
    "Health",
    "InferenceJob",
    "InferenceJobResult",
    "InferenceJobSubmit",
    "InferenceJobSummary",
    "Job",
    "JobArtifactType",
    "JobAuthorization",
    "JobFailureType",
    "JobList",
    "JobOrder",
    "JobPermission",
    "JobResult",
    "JobState",
    "JobSubmit",
    "JobSummary",
    "JobSummaryList",
    "JobType",
    "JobTypeName",
    "JobUpdate",
    "LayerAccuracy",
    "LayerAccuracyReport",
    "LayerDetail",
    "LinkDetail",
    "LinkJob",
    "LinkJobResult",
    "LinkJobSubmit",
    "LinkJobSummary",
    "MixedPrecisionLayer",
    "MixedPrecisionProposal",
    "Model",
    "ModelAuthorization",
    "ModelCreate",
    "ModelList",
    "ModelMetadata",
    "ModelMetadataEntries",
    "ModelMetadataKey",
    "ModelPermission",
    "ModelReference",
    "ModelReferenceList",
    "ModelType",
    "ModelUpdate",
    "MultipartUploadFinish",
    "NamedArtifactDownloadURL",
    "NamedArtifactDownloadURLList",
    "NamedTensorType",
    "NamedTensorTypeList",
    "NamedTensorTypeListSubmit",
    "NamedTensorTypeSubmit",
    "Notice",
    "NoticeContext",
    "NoticeSeverity",
    "Problem",
    "ProfileDetail",
    "ProfileDetailMemoryUsage",
    "ProfileJob",
    "ProfileJobResult",
    "ProfileJobSummary",
    "QuantizeDetail",
    "QuantizeDetailPsnr",
    "QuantizedTensor",
    "QuantizedTensorKind",
    "QuantizeDtype",
    "QuantizeJob",
    "QuantizeJobResult",
    "QuantizeJobSubmit",
    "QuantizeJobSummary",
    "Range",
    "ReceivedPart",
    "RuntimeConfig",
    "RuntimeConfigProperty",
    "S3Credentials",
    "SegmentDetail",
    "ServiceStatus",
    "SharedAccess",
    "SharingUpdate",
    "SignInLink",
    "TargetCheck",
    "TargetCheckOutput",
    "TargetCheckSlice",
    "TargetCheckStatus",
    "TensorDtype",
    "TensorRangeReport",
    "TensorType",
    "TensorTypeSubmit",
    "ToolVersion",
    "UploadForm",
    "User",
    "ValidationError",
)
