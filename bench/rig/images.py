"""Images to measure with: JPEGs by structure, noise by content, the same for the same seed."""

import math
import random
from collections.abc import Sequence
from statistics import NormalDist

MEDIAN_KB, MEAN_KB = 19.06, 57.54
"""Of the 9,153,030 JPEGs that the HTTP Archive met on 2018-04-15 (httparchive.summary_requests.2018_04_15_desktop, as
gist.github.com/malchata/b3461fa658019933ec6dfe86bcb4a350 has it). The log-normal through both has its ninetieth
percentile at 128 KB; recorded are 108."""

SMALLEST, LARGEST = 200, 2_000_000

_HEAD = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000"  # SOI, JFIF
    "ffc0000b080140010001011100"  # frame: 256 x 320, one component
    "ffda0008010100003f00"  # scan
)
_END = b"\xff\xd9"


def jpeg(size: int, seed: int) -> bytes:
    """`size` bytes that have a JPEG's header, scan and end."""
    noise = random.Random(seed).randbytes(size - len(_HEAD) - len(_END)).replace(b"\xff", b"\x7f")
    return _HEAD + noise + _END


def jpegs(count: int, low: int, high: int, seed: int = 1) -> Sequence[bytes]:
    """`count` of them, of `low` to `high` bytes, evenly spread."""
    sizes = random.Random(seed)
    return [jpeg(sizes.randint(low, high), seed=number) for number in range(count)]


def web_jpegs(count: int) -> Sequence[bytes]:
    """`count` of them, as large as the web's: taken at even steps through the distribution, in a shuffled order."""
    images = [jpeg(web_size((number + 0.5) / count), seed=number) for number in range(count)]
    random.Random(1).shuffle(images)
    return images


def web_size(share: float) -> int:
    """Bytes, that `share` of the web's JPEGs have at most."""
    sigma = math.sqrt(2 * math.log(MEAN_KB / MEDIAN_KB))
    size = MEDIAN_KB * 1000 * math.exp(sigma * NormalDist().inv_cdf(share))
    return max(SMALLEST, min(LARGEST, round(size)))
