"""What optimized integrations add to the response of a service: the metadata of the HTTP response."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from http import HTTPStatus

from local.states.base.payloads import JsonObject


def sdk_metadata(content_type: str, length: int, headers: Mapping[str, str] | None = None) -> JsonObject:
    """`SdkHttpMetadata` and `SdkResponseMetadata`. `length` is that of the body; `headers` are those of the service.

    Date and trace headers, which no workflow can use, are left out.
    """
    request_id = str(uuid.uuid4())
    all_headers = {
        "Connection": "keep-alive",
        "Content-Length": str(length),
        "Content-Type": content_type,
        "x-amzn-RequestId": request_id,
        **(headers or {}),
    }
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in all_headers.items()},
            "HttpHeaders": all_headers,
            "HttpStatusCode": int(HTTPStatus.OK),
        },
        "SdkResponseMetadata": {"RequestId": request_id},
    }
