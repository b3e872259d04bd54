"""Model files: opening uploaded models, and reading and writing zip archives of them."""

import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import onnx
from google.protobuf.message import DecodeError, Message

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.protocol import quote_name
from qai_hub.local.enums import ModelType

_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Limits on the unpacked content of an archive.

    Attributes:
        members: Maximum number of files and directories.
        size: Maximum total size in bytes.
        ratio: Maximum ratio of unpacked to packed size.
        free_size: Total size in bytes up to which any ratio is allowed.
    """

    members: int = 1000
    size: int = 64 * 2**30
    ratio: int = 100
    free_size: int = 64 * 2**20


DEFAULT_ARCHIVE_LIMITS = ArchiveLimits()


def is_archive(path: Path) -> bool:
    """Return whether a file is a zip archive, by its first bytes."""
    with path.open("rb") as file:
        return file.read(4) in {b"PK\x03\x04", b"PK\x05\x06"}


def unpack_archive(
    archive: Path, folder: Path, limits: ArchiveLimits = DEFAULT_ARCHIVE_LIMITS
) -> None:
    """Unpack an archive of a model directory.

    Args:
        archive: The zip file.
        folder: New directory for its files.
        limits: Limits on its unpacked content.

    Raises:
        JobFailure: It is damaged, or contains entries that do not belong in a model directory.
    """
    remaining = min(limits.size, max(limits.free_size, limits.ratio * archive.stat().st_size))
    folder.mkdir()
    try:
        with zipfile.ZipFile(archive) as source:
            members = source.infolist()
            if len(members) > limits.members:
                raise _invalid_archive(f"it contains more than {limits.members} files")
            for member in members:
                target = folder / _safe_path(member)
                if member.is_dir():
                    target.mkdir(parents=True, exist_ok=True)
                else:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    remaining -= _extract_member(source, member, target, remaining)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        reason = f"The zip archive of the model directory is damaged: {error}. Make it again."
        raise JobFailure(FailureType.MODEL_CORRUPT, reason) from None
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise _invalid_archive("two of its entries have the same name") from None


# The earliest time that an archive can have: equal files make equal archives.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def pack_archive(files: Mapping[str, Path], archive: Path) -> None:
    """Write an archive, uncompressed, since weights hardly compress.

    Args:
        files: The files by their names in the archive.
        archive: The zip file to write.
    """
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:
        for name, path in files.items():
            # `ZipFile.write` copies in blocks of 8 KiB.
            member = zipfile.ZipInfo.from_file(path, name)
            member.date_time = _NO_TIME
            with path.open("rb") as reader, target.open(member, "w") as writer:
                shutil.copyfileobj(reader, writer, _CHUNK)


def _safe_path(member: zipfile.ZipInfo) -> PurePosixPath:
    path = PurePosixPath(member.filename)
    mode = member.external_attr >> 16
    if path.is_absolute() or ".." in path.parts or "\\" in member.filename or not path.parts:
        raise _invalid_archive(f"the path {quote_name(member.filename)} points outside of it")
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise _invalid_archive(f"{quote_name(member.filename)} is not a regular file")
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        # Others are unpacked by whole blocks, which may fill the memory.
        raise _invalid_archive(f"{quote_name(member.filename)} is neither deflated nor stored")
    if member.flag_bits & 1:
        raise _invalid_archive(f"{quote_name(member.filename)} is encrypted")
    if any(len(part.encode()) > 255 for part in path.parts) or len(str(path).encode()) > 1000:
        raise _invalid_archive(f"the name {quote_name(member.filename)} is too long")
    return path


def _extract_member(
    source: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, max_size: int
) -> int:
    """Write a member's bytes and count them, since the sizes in a header may be wrong."""
    size = 0
    with source.open(member) as reader, target.open("xb") as writer:
        while chunk := reader.read(_CHUNK):
            size += len(chunk)
            if size > max_size:
                raise _invalid_archive("its unpacked size is too large for a file of its size")
            writer.write(chunk)
    return size


def _invalid_archive(problem: str) -> JobFailure:
    reason = f"The zip archive of the model directory is not valid: {problem}."
    return JobFailure(FailureType.MODEL_INVALID, reason)


_SUPPORTED_TYPE = ModelType.ONNX
_SUPPORTED_FORMATS = (
    "on this hub, compile jobs accept ONNX, AIMET ONNX, TorchScript and exported PyTorch "
    "programs; quantize jobs ONNX; profile and inference jobs ONNX, TFLite and QNN models"
)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """An ONNX model on disk.

    Attributes:
        path: The .onnx file.
        proto: The model in that file, without tensors stored elsewhere.
        is_unpacked: Whether it is in the job's own work folder.
        tools: The tools that converted it, if it was converted here from another format, as the
            JSON of `ToolVersion` messages.
        notices: Notices for the job's user about the conversion.
    """

    path: Path
    proto: onnx.ModelProto
    is_unpacked: bool
    tools: tuple[dict[str, str], ...] = ()
    notices: tuple[dict[str, str], ...] = ()


def open_model(source: Path, model_type: str, work: Path) -> ModelFile:
    """Open the input model of a job.

    Args:
        source: The uploaded file.
        model_type: Its format, such as "MODEL_TYPE_ONNX".
        work: Folder for what is unpacked.

    Returns:
        The model, whose external tensors are all within its own directory.

    Raises:
        JobFailure: The format is not supported, or the file is not a readable model.
    """
    if model_type != _SUPPORTED_TYPE:
        name = model_type.removeprefix("MODEL_TYPE_")
        reason = f"This job does not accept models of the format {name}: {_SUPPORTED_FORMATS}."
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    directory = None
    path = source
    if is_archive(source):
        directory = work / "model"
        unpack_archive(source, directory)
        path = _find_model(directory)
    proto = _read_model(path)
    _check_external_data(proto, path, directory)
    return ModelFile(path, proto, is_unpacked=directory is not None)


def _find_model(directory: Path) -> Path:
    found = sorted(path for path in directory.rglob("*.onnx") if path.is_file())
    if len(found) != 1:
        names = ", ".join(quote_name(path.name) for path in found[:5]) or "none"
        reason = (
            f"A model directory must contain exactly one .onnx file; this one contains {names}."
        )
        raise JobFailure(FailureType.MODEL_INVALID, reason)
    return found[0]


def _read_model(path: Path) -> onnx.ModelProto:
    try:
        proto = onnx.load(path, format="protobuf", load_external_data=False)
    except DecodeError:
        raise _damaged_model("it cannot be parsed") from None
    # An empty file, and some files in other formats, parse as an empty message.
    if not proto.HasField("graph"):
        raise _damaged_model("it has no graph")
    return proto


def _damaged_model(problem: str) -> JobFailure:
    reason = (
        f"The file is not an ONNX model, or it is damaged: {problem}. Check it with "
        "onnx.checker.check_model(path), or export it again."
    )
    return JobFailure(FailureType.MODEL_CORRUPT, reason)


def _check_external_data(proto: onnx.ModelProto, path: Path, directory: Path | None) -> None:
    """Check that each file with external tensors came with the model."""
    for tensor in iter_tensors(proto):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        # Readers differ in which of several locations they use, so each must be valid.
        locations = [entry.value for entry in tensor.external_data if entry.key == "location"]
        for location in locations or [""]:
            if directory is None:
                raise JobFailure(
                    FailureType.MODEL_INVALID,
                    f"The model stores the tensor {quote_name(tensor.name)} in another file, "
                    f"{quote_name(location)}: upload the directory with both files.",
                )
            if not _is_beside(location, path):
                raise JobFailure(
                    FailureType.MODEL_INVALID,
                    f"The model stores the tensor {quote_name(tensor.name)} in the file "
                    f"{quote_name(location)}, which is not beside it in the uploaded directory.",
                )


def _is_beside(location: str, path: Path) -> bool:
    relative = PurePosixPath(location)
    # ONNX Runtime treats a location with asterisks as a memory address.
    if not location or relative.is_absolute() or ".." in relative.parts or "*" in location:
        return False
    return "\0" not in location and (path.parent / relative).is_file()


def iter_tensors(message: Message) -> Iterator[onnx.TensorProto]:
    """Yield every tensor in a message, at any depth: one that is missed could read files."""
    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for _, value in message.ListFields():
        if isinstance(value, Message):
            yield from iter_tensors(value)
        elif not isinstance(value, str | bytes | int | float):
            for item in value:
                if not isinstance(item, Message):
                    break
                yield from iter_tensors(item)
