"""What a file is that is given as weights, told by its first bytes, for files that are none."""

from __future__ import annotations

import zipfile
from pathlib import Path

from neurontune_core.errors import InputError

_HEAD = 512
_STARTS = (
    (b"version https://git-lfs", "a pointer of Git LFS, not the weights themselves; fetch them with: git lfs pull"),
    (
        b"\x89HDF\r\n\x1a\n",
        "an HDF5 file, as Keras writes it; only PyTorch weights are read: convert the model to PyTorch",
    ),
    (b"GGUF", "a GGUF file, whose weights are quantized; give the original PyTorch or safetensors weights"),
    (b"\x1f\x8b", "compressed with gzip; unpack it first"),
    (b"BZh", "compressed with bzip2; unpack it first"),
    (b"\xfd7zXZ", "compressed with xz; unpack it first"),
    (b"\x93NUMPY", "an array of numpy; save the network's state_dict() with torch.save or as safetensors"),
)


def refuse_other_kinds(path: Path) -> None:
    """Refuse a file that holds no PyTorch weights, saying what it is and what to do.

    Raises:
        InputError: when the first bytes say so.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "model.pth")
    ...     _ = file.write_text("version https://git-lfs.github.com/spec/v1")
    ...     refuse_other_kinds(file)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    neurontune_core.errors.InputError: ... is a pointer of Git LFS, not the weights themselves; fetch them with: ...
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    kind = next((sentence for start, sentence in _STARTS if head.startswith(start)), "")
    start = head.lstrip().lower()
    if not head:
        kind = "empty; download or save it again"
    elif start.startswith((b"<!doctype", b"<html", b"<?xml")):
        kind = "a web page, not weights: the download failed or needs a login; download it again"
    elif path.suffix.lower() == ".onnx" or (head[:1] == b"\x08" and b"pytorch" in head[:64]):
        kind = "an ONNX model, a program rather than weights; give the checkpoint that it was exported from"
    elif head.startswith(b"PK") and zipfile.is_zipfile(path):
        kind = _zip_kind(path)
    if kind:
        raise InputError(f"{path} is {kind}.")


def _zip_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return ""
    inside = {name.split("/", 1)[-1] for name in names}
    if any(name.startswith("code/") for name in inside) or "constants.pkl" in inside:
        return (
            "a TorchScript program, which would have to be run; save the network's weights instead: "
            "torch.save(torch.jit.load(file).state_dict(), ...)"
        )
    if any(name.endswith(".npy") for name in inside):
        return "an archive of numpy's; import it as embeddings, or save the network's state_dict() with torch.save"
    if "data.pkl" not in inside and not any(name.endswith("/data.pkl") for name in inside):
        return "a ZIP archive without weights of torch.save; unpack it and give the file of weights in it"
    return ""
