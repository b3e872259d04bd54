"""Formats of models, and the keys of their metadata."""

from __future__ import annotations

import functools
from enum import Enum


class SourceModelType(Enum):
    """Format of a model's file.

    Examples:
        >>> target_model.model_type is hub.SourceModelType.ONNX
        True
    """

    UNRECOGNIZED_MODEL_TYPE = 0
    TORCHSCRIPT = 1
    MLMODEL = 2
    TFLITE = 4
    MLMODELC = 5
    ONNX = 6
    MLPACKAGE = 8
    TETRART = 9
    QNN_LIB_AARCH64_ANDROID = 10
    QNN_LIB_X86_64_LINUX = 14
    QNN_CONTEXT_BINARY = 11
    AIMET_ONNX = 12
    QNN_DLC = 15
    TORCH_EXPORTED_PROGRAM = 16

    @classmethod
    @functools.lru_cache(64)
    def _from_api(cls, name: str | None) -> SourceModelType:
        try:
            return cls[(name or "").removeprefix("MODEL_TYPE_")]
        except KeyError:
            return cls.UNRECOGNIZED_MODEL_TYPE


class ModelMetadataKey(Enum):
    """Key of a target model's metadata.

    Examples:
        >>> version = target_model.metadata.get(hub.ModelMetadataKey.QNN_SDK_VERSION)
    """

    UNSPECIFIED = 0
    QNN_SDK_VERSION = 1
    QNN_SDK_VARIANT = 2
    QAIRT_SDK_VERSION = 3
    QNN_MODEL_GRAPH_NAMES = 30
    QNN_CONTEXT_BIN_GRAPH_NAMES = 30  # noqa: PIE796 (the older name)
    QNN_CONTEXT_BIN_HEXAGON_VERSION = 31
    QNN_CONTEXT_BIN_SOC_MODEL = 32
    QNN_CONTEXT_BIN_BACKEND = 33
    QNN_CONTEXT_BIN_VTCM = 34
    QNN_CONTEXT_BIN_OPTIMIZATION_LEVEL = 35
