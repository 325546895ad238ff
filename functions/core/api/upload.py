"""A link to upload a manifest that is too large to be posted."""

import secrets

from functions.core.api.problems import invalid
from functions.core.api.requests import UploadRequest
from functions.core.api.responses import Upload
from functions.core.api.run_options import as_metadata, given_options
from functions.core.manifests.detection import format_from_name
from functions.core.model.errors import InvalidManifest
from functions.core.model.ports import LINK_SECONDS, PresignedLinks


def upload(request: UploadRequest, links: PresignedLinks, bucket: str) -> Upload:
    """Under a name of its own, so that it can be told from others in the list of runs. Raises Problem(422)."""
    try:
        format_from_name(request.name)
    except InvalidManifest as refusal:
        raise invalid("name", str(refusal)) from refusal
    metadata = as_metadata(given_options(request.options))
    key = f"manifests/{secrets.token_hex(8)}/{request.name}"
    return Upload(
        method="PUT",
        url=links.for_upload(key, metadata),
        headers={f"x-amz-meta-{name}": value for name, value in metadata.items()},
        manifest=f"s3://{bucket}/{key}",
        expires_in=LINK_SECONDS,
    )
