"""kill -9 of the functions of a local AWS that runs in this process."""

from contextlib import suppress

import psutil


def kill_download_batch() -> None:
    """Kill every sandbox of DownloadBatch."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error, ProcessLookupError):  # another process that has just ended
            if "Download" in process.environ().get("AWS_LAMBDA_FUNCTION_NAME", ""):
                process.kill()
