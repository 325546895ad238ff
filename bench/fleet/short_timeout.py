"""Imported by the workers before their handler: DownloadBatch has a shorter timeout, and its leases end with it.

Only a worker changes the limit: this module is also imported by the process that starts them.
"""

import os

from functions.core.model import limits

TIMEOUT_SECONDS = 25
"""In seconds: 10 s for starting rows whose `timeout` is 5 s, and the reserve."""

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    limits.DOWNLOAD_TIMEOUT_SECONDS = TIMEOUT_SECONDS
