"""Makes the files of the corpus and `files.json`. It needs programs that the tests do not:

    pip install pillow pillow-heif pillow-jxl-plugin opencv-python-headless pyvips pyvips-binary imageio-ffmpeg
    pip install tifffile imagecodecs
    apt-get install imagemagick libheif-examples webp gifsicle libjpeg-turbo-progs netpbm libavif-bin
    python -m tests.corpus.make [WORD]

With WORD, only the files are made whose name contains it.

The sizes in `files.json` are those of the decoders of Pillow, pillow-heif and pillow-jxl-plugin.
"""

# mypy: ignore-errors

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

FILES = Path(__file__).parent / "files"
INDEX = Path(__file__).parent / "files.json"
WIDTH, HEIGHT = 37, 23


def main(word: str = "") -> None:
    import pillow_jxl  # noqa: F401
    from PIL import Image
    from pillow_heif import open_heif, register_heif_opener

    register_heif_opener()
    index = {name: each for name, each in json.loads(INDEX.read_text()).items() if word not in name}
    for old in FILES.glob(f"*{word}*"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source.png")
        picture(Image).save(source)
        for writer, name, make in CASES:
            target = FILES / f"{writer}-{name}"
            if word not in target.name:
                continue
            try:
                make(source, target)
                with Image.open(target) as image:
                    image.load()
                    size = image.size
                if target.suffix == ".avif":  # Pillow gives the size before it is turned and cropped
                    size = open_heif(target).size
                index[target.name] = {"writer": writer, "size": list(size)}
            except Exception as error:
                target.unlink(missing_ok=True)
                sys.stderr.write(f"{target.name}: {error!r}\n")
    INDEX.write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")


def picture(images):
    """A gradient with a little noise."""
    image = images.new("RGB", (WIDTH, HEIGHT))
    image.putdata([(x * 6 % 256, y * 11 % 256, (x * y + 3 * x) % 256) for y in range(HEIGHT) for x in range(WIDTH)])
    return image


def pillow(mode: str, **options) -> Callable[[Path, Path], None]:
    def make(source: Path, target: Path) -> None:
        from PIL import Image

        frames = [picture(Image).convert(mode).rotate(turn) for turn in range(options.pop("frames", 1))]
        more = {"save_all": True, "append_images": frames[1:]} if len(frames) > 1 else {}
        frames[0].save(target, **options, **more)

    return make


def turned(orientation: int) -> Callable[[Path, Path], None]:
    """As a phone stores a photo: the picture, and how to turn it."""

    def make(source: Path, target: Path) -> None:
        from PIL import Image
        from pillow_heif import register_heif_opener

        register_heif_opener()
        image = picture(Image)
        exif = image.getexif()
        exif[0x0112] = orientation
        image.save(target, exif=exif.tobytes())

    return make


def opencv(*parameters: int) -> Callable[[Path, Path], None]:
    def make(source: Path, target: Path) -> None:
        import cv2

        if not cv2.imwrite(str(target), cv2.imread(str(source)), list(parameters)):
            raise ValueError

    return make


def vips(**options) -> Callable[[Path, Path], None]:
    def make(source: Path, target: Path) -> None:
        import pyvips

        pyvips.Image.new_from_file(str(source)).write_to_file(str(target), **options)

    return make


def tifffile(**options) -> Callable[[Path, Path], None]:
    def make(source: Path, target: Path) -> None:
        import numpy
        import tifffile as library
        from PIL import Image

        data = numpy.asarray(Image.open(source))
        if options.get("tile"):
            data = numpy.tile(data, (3, 3, 1))
        library.imwrite(target, data, **options)

    return make


def jpeg_xl(**options) -> Callable[[Path, Path], None]:
    def make(source: Path, target: Path) -> None:
        import imagecodecs
        import numpy
        from PIL import Image

        data = numpy.asarray(Image.open(source))
        target.write_bytes(imagecodecs.jpegxl_encode(data, **options))

    return make


def jpeg_2000(source: Path, target: Path) -> None:
    import imagecodecs
    import numpy
    from PIL import Image

    target.write_bytes(imagecodecs.jpeg2k_encode(numpy.asarray(Image.open(source))))


def lossless_jpeg_xl(source: Path, target: Path) -> None:
    """The coefficients of a JPEG, and what it takes to restore the file: the image comes in several parts."""
    import imagecodecs
    from PIL import Image

    jpeg = source.with_suffix(".jpg")
    Image.open(source).save(jpeg, progressive=True)
    target.write_bytes(imagecodecs.jpegxl_encode_jpeg(jpeg.read_bytes(), usecontainer=True))


def command(*words: str, ffmpeg: bool = False) -> Callable[[Path, Path], None]:
    def make(source: Path, target: Path) -> None:
        program = words
        if ffmpeg:
            import imageio_ffmpeg

            program = (imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", *words)
        paths = {"IN": str(source), "OUT": str(target), "PPM": str(source.with_suffix(".ppm"))}
        if "PPM" in program:
            subprocess.run(["convert", str(source), paths["PPM"]], check=True)
        line = [paths.get(word, word.replace("OUT", str(target))) for word in program]
        subprocess.run(line, check=True, capture_output=True)

    return make


def cases() -> Iterator[tuple[str, str, Callable[[Path, Path], None]]]:
    yield from (
        ("pillow", f"{mode.lower()}-{name}.jpg", pillow(mode, **options))
        for mode in ("L", "RGB", "CMYK")
        for name, options in {
            "baseline": {},
            "progressive": {"progressive": True},
            "restarts": {"restart_marker_blocks": 2},
        }.items()
    )
    yield from (
        ("pillow", f"{mode.lower()}.{extension}", pillow(mode))
        for extension, modes in {
            "png": ("1", "L", "P", "RGB", "RGBA"),
            "gif": ("P", "L"),
            "webp": ("RGB", "RGBA"),
            "avif": ("RGB", "RGBA"),
            "bmp": ("1", "L", "P", "RGB", "RGBA"),
            "tif": ("1", "L", "P", "RGB", "RGBA", "CMYK"),
            "ico": ("RGBA",),
        }.items()
        for mode in modes
    )
    yield "pillow", "frames.gif", pillow("P", frames=3)
    yield "pillow", "frames.webp", pillow("RGB", frames=3)
    yield "pillow", "frames.avif", pillow("RGB", frames=3)
    yield "pillow", "frames.png", pillow("RGB", frames=3)
    yield "pillow", "frames.tif", pillow("RGB", frames=3)
    yield "pillow", "rgb.jp2", pillow("RGB")
    yield "pillow", "tiles.jp2", pillow("RGB", tile_size=(16, 16))
    yield "pillow", "gray.j2k", pillow("L", no_jp2=True)
    yield "pillow", "layers.j2k", pillow("RGB", no_jp2=True, quality_layers=[20, 5], quality_mode="rates")
    yield "pillow", "rgb.jxl", pillow("RGB")
    yield "pillow", "rgba.jxl", pillow("RGBA", lossless=True)
    yield "pillow", "turned.jxl", turned(6)
    yield "imagecodecs", "container.jxl", jpeg_xl(usecontainer=True)
    yield "imagecodecs", "codestream.jxl", jpeg_xl(usecontainer=False)
    yield "imagecodecs", "jpeg.jxl", lossless_jpeg_xl
    yield "imagecodecs", "rgb.jp2", jpeg_2000
    yield "imagemagick", "rgb.jp2", command("convert", "IN", "OUT")
    yield "imagemagick", "offset.j2k", command("convert", "IN", "OUT")
    yield "pillow", "lossless.webp", pillow("RGBA", lossless=True)
    yield "pillow", "big.tif", pillow("RGB", big_tiff=True)
    yield from (
        ("pillow", f"{name}.tif", pillow("RGB", compression=name))
        for name in ("tiff_lzw", "tiff_deflate", "jpeg", "packbits")
    )
    yield "pillow", "bitmaps.ico", pillow("RGBA", bitmap_format="bmp", sizes=[(16, 16), (24, 24)])
    yield from (("pillow-heif", f"turned-{turn}.heic", turned(turn)) for turn in range(1, 9))
    yield from (("pillow-heif", f"turned-{turn}.avif", turned(turn)) for turn in (1, 6))
    yield "pillow-heif", "rgba.heic", pillow("RGBA")
    yield "pillow-heif", "frames.heic", pillow("RGB", frames=2)
    yield from (
        ("opencv", f"plain.{extension}", opencv()) for extension in ("jpg", "png", "webp", "tif", "bmp", "gif", "avif")
    )
    yield "opencv", "progressive.jpg", opencv(2, 1)
    yield from (("vips", f"plain.{extension}", vips()) for extension in ("jpg", "png", "webp", "gif", "heic", "avif"))
    yield "vips", "pyramid.tif", vips(pyramid=True, tile=True, tile_width=16, tile_height=16)
    yield "vips", "interlaced.png", vips(interlace=True)
    yield "vips", "big.tif", vips(bigtiff=True, compression="lzw")
    yield "tifffile", "plain.tif", tifffile()
    yield "tifffile", "big-endian.tif", tifffile(byteorder=">")
    yield "tifffile", "big.tif", tifffile(bigtiff=True)
    yield "tifffile", "tiles.tif", tifffile(tile=(16, 16), compression="zlib")
    yield "tifffile", "strips.tif", tifffile(rowsperstrip=4, description="x" * 300)
    yield from (
        ("imagemagick", f"plain.{extension}", command("convert", "IN", "OUT"))
        for extension in ("jpg", "png", "gif", "webp", "tif", "bmp", "ico", "heic", "avif")
    )
    yield "imagemagick", "os2.bmp", command("convert", "IN", "BMP2:OUT")
    yield "imagemagick", "windows3.bmp", command("convert", "IN", "BMP3:OUT")
    yield (
        "imagemagick",
        "rle.bmp",
        command("convert", "IN", "-colors", "16", "-type", "palette", "-compress", "RLE", "BMP3:OUT"),
    )
    yield "imagemagick", "jp.tif", command("convert", "IN", "-compress", "JPEG", "OUT")
    yield "imagemagick", "msb.tif", command("convert", "IN", "-endian", "MSB", "OUT")
    yield "imagemagick", "interlaced.gif", command("convert", "IN", "-interlace", "GIF", "OUT")
    yield (
        "imagemagick",
        "sampled.jpg",
        command("convert", "IN", "-sampling-factor", "4:2:0", "-interlace", "JPEG", "OUT"),
    )
    yield from (
        ("ffmpeg", f"plain.{extension}", command("-i", "IN", "OUT", ffmpeg=True))
        for extension in ("jpg", "png", "gif", "webp", "tif", "bmp", "avif")
    )
    yield "libheif", "plain.heic", command("heif-enc", "IN", "-o", "OUT")
    yield "libheif", "thumbnail.heic", command("heif-enc", "-t", "16", "IN", "-o", "OUT")
    yield "libheif", "plain.avif", command("heif-enc", "-A", "IN", "-o", "OUT")
    yield "libavif", "plain.avif", command("avifenc", "IN", "OUT")
    yield "libavif", "turned.avif", command("avifenc", "--irot", "1", "IN", "OUT")
    yield "libavif", "cropped.avif", command("avifenc", "--crop", "0,0,20,10", "IN", "OUT")
    yield "libwebp", "lossless.webp", command("cwebp", "-quiet", "-lossless", "IN", "-o", "OUT")
    yield "libwebp", "alpha.webp", command("cwebp", "-quiet", "-metadata", "all", "IN", "-o", "OUT")
    yield "libjpeg", "arithmetic.jpg", command("cjpeg", "-arithmetic", "-outfile", "OUT", "PPM")
    yield "libjpeg", "optimized.jpg", command("cjpeg", "-optimize", "-progressive", "-outfile", "OUT", "PPM")


CASES = tuple(cases())

if __name__ == "__main__":
    main(*sys.argv[1:])
