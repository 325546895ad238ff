"""Images to measure with: JPEGs by their structure, with random content, reproducible from a seed."""

import math
import random
from collections.abc import Sequence
from statistics import NormalDist

MEDIAN_KB, MEAN_KB = 19.06, 57.54
"""Median and mean size of the 9,153,030 JPEGs in the HTTP Archive of 2018-04-15, in KB
(httparchive.summary_requests.2018_04_15_desktop, cited in gist.github.com/malchata/b3461fa658019933ec6dfe86bcb4a350).
The log-normal distribution with these values has its 90th percentile at 128 KB; the recorded one is 108 KB."""

SMALLEST, LARGEST = 200, 2_000_000
"""Limits of the generated sizes, in bytes."""

_HEAD = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000"  # SOI, JFIF
    "ffc0000b080140010001011100"  # frame: 256 x 320, one component
    "ffda0008010100003f00"  # scan
)
_END = b"\xff\xd9"


def jpeg(size: int, seed: int) -> bytes:
    """Create `size` bytes with the header, scan and end of a JPEG."""
    noise = random.Random(seed).randbytes(size - len(_HEAD) - len(_END)).replace(b"\xff", b"\x7f")
    return _HEAD + noise + _END


def jpegs(count: int, low: int, high: int, seed: int = 1) -> Sequence[bytes]:
    """Create `count` images of `low` to `high` bytes, uniformly distributed."""
    sizes = random.Random(seed)
    return [jpeg(sizes.randint(low, high), seed=number) for number in range(count)]


def web_jpegs(count: int) -> Sequence[bytes]:
    """Create `count` images with the sizes of the web: quantiles of the distribution at equal steps, shuffled."""
    images = [jpeg(web_size((number + 0.5) / count), seed=number) for number in range(count)]
    random.Random(1).shuffle(images)
    return images


def web_size(quantile: float) -> int:
    """Compute a quantile of the size of JPEGs on the web, in bytes."""
    sigma = math.sqrt(2 * math.log(MEAN_KB / MEDIAN_KB))
    size = MEDIAN_KB * 1000 * math.exp(sigma * NormalDist().inv_cdf(quantile))
    return max(SMALLEST, min(LARGEST, round(size)))
