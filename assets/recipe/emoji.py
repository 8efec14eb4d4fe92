"""The two families of faces: Microsoft's Fluent 3-D emoji from npm and Google's Noto emoji from Debian's font."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FLUENT, NOTO = "fluent", "noto"
FLUENT_PACKAGE = "@lobehub/fluent-emoji-3d@1.1.0"
FLUENT_ARCHIVE = "lobehub-fluent-emoji-3d-1.1.0.tgz"
FLUENT_SHA256 = "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58"
NOTO_PACKAGE = "fonts-noto-color-emoji"  # 2.042-0+deb12u1
NOTO_FILE = "usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
NOTO_SHA256 = "e5899ed38b8ed83e08bd3ac5de09791e9d19d288333a796de1d35ad17396f1ec"
STRIKE = 109  # pixels per em of the font's only bitmap strike


@dataclass(frozen=True)
class Emoji:
    """Faces of both families, read from an unpacked npm package and a font file."""

    fluent: Path
    noto: Path

    def face(self, code: str, family: str) -> Image.Image:
        """Return the face of a code point (hexadecimal) in RGBA, cropped to what is not transparent."""
        if family == FLUENT:
            names = (f"{code}.webp", f"{code}-fe0f.webp")
            image = Image.open(next(path for name in names if (path := self.fluent / name).is_file())).convert("RGBA")
        else:
            image = Image.new("RGBA", (160, 160))
            font = ImageFont.truetype(str(self.noto), STRIKE)
            ImageDraw.Draw(image).text((12, 16), chr(int(code, 16)), font=font, embedded_color=True)
        return image.crop(image.getbbox())


def find(folder: Path) -> Emoji | None:
    """Return the sources that lie in ``folder`` or are installed; None when one of them is missing."""
    fonts = [path for path in (folder / NOTO_FILE, Path("/") / NOTO_FILE) if path.is_file()]
    right = [path for path in fonts if _sha256(path) == NOTO_SHA256]
    fluent = folder / "package" / "assets"
    return Emoji(fluent, right[0]) if right and fluent.is_dir() else None


def fetch(folder: Path) -> Emoji:
    """Fetch what is missing with ``npm pack`` and ``apt-get download``, and unpack it into ``folder``.

    Raises:
        RuntimeError: when an archive is not the one that the recipe was written for.
    """
    emoji = find(folder)
    if emoji is not None:
        return emoji
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / FLUENT_ARCHIVE
    if not archive.is_file():
        subprocess.run(["npm", "pack", "--silent", FLUENT_PACKAGE], cwd=folder, check=True)
    _check(archive, FLUENT_SHA256)
    shutil.rmtree(folder / "package", ignore_errors=True)
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    emoji = find(folder)
    if emoji is None:
        subprocess.run(["apt-get", "download", NOTO_PACKAGE], cwd=folder, check=True)
        package = max(folder.glob(f"{NOTO_PACKAGE}_*.deb"))
        subprocess.run(["dpkg", "-x", package.name, "."], cwd=folder, check=True)
        _check(folder / NOTO_FILE, NOTO_SHA256)
        emoji = Emoji(folder / "package" / "assets", folder / NOTO_FILE)
    return emoji


def _check(path: Path, expected: str) -> None:
    if (actual := _sha256(path)) != expected:
        raise RuntimeError(f"{path} has the SHA-256 {actual}, expected {expected}: it is another version.")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
