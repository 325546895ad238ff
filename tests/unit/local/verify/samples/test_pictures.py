"""The generated images are what they claim to be, by the rules of the functions."""

from io import BytesIO

import pytest

from functions.core.download.images.types import detect_image_type
from local.verify.samples.pictures import HEIGHT, IMAGE_TYPES, ImageType


@pytest.mark.parametrize("kind", IMAGE_TYPES, ids=lambda kind: kind.extension)
def test_an_image_is_complete_and_has_its_type_and_size(kind: ImageType) -> None:
    for width in (1, 8, 9, 17, 100):
        body = kind.make(width)
        found = detect_image_type(body)

        assert found is not None
        assert (found.extension, found.content_type) == (kind.extension, kind.content_type)
        assert found.is_complete(BytesIO(body), len(body))
        assert not found.is_complete(BytesIO(body[:-2]), len(body) - 2)
        assert found.dimensions(BytesIO(body), len(body)) == (width, HEIGHT)


def test_two_images_have_different_bytes() -> None:
    bodies = [kind.make(width) for kind in IMAGE_TYPES for width in range(8, 108)]

    assert len(set(bodies)) == len(bodies)
