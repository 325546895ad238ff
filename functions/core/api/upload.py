"""A presigned URL for the upload of a manifest that is too large for a request body."""

import secrets

from functions.core.api.problems import invalid
from functions.core.api.requests import UploadRequest
from functions.core.api.responses import Upload
from functions.core.api.run_options import explicit_options, upload_metadata
from functions.core.manifests.detection import format_from_name
from functions.core.model.errors import InvalidManifest
from functions.core.model.ports import LINK_SECONDS, PresignedLinks


def create_upload(request: UploadRequest, links: PresignedLinks, bucket: str) -> Upload:
    """Under a unique key, which identifies the run in the list of runs. Raises Problem(422)."""
    try:
        format_from_name(request.name)
    except InvalidManifest as error:
        raise invalid("name", str(error)) from error
    metadata = upload_metadata(explicit_options(request.options))
    key = f"manifests/{secrets.token_hex(8)}/{request.name}"
    return Upload(
        method="PUT",
        url=links.for_upload(key, metadata),
        headers={f"x-amz-meta-{name}": value for name, value in metadata.items()},
        manifest=f"s3://{bucket}/{key}",
        expires_in=LINK_SECONDS,
    )
