"""Limits of the functions and of the AWS services they use. Each figure is defined here alone."""

DOWNLOAD_TIMEOUT_SECONDS = 90
"""Timeout of DownloadBatch, in seconds. It runs one round of a batch."""

RESERVE_SECONDS = 10.0
"""Seconds of a DownloadBatch invocation that are reserved for writing its outcomes."""

DOWNLOAD_MEMORY_MB = 1769
"""Memory of DownloadBatch, in MB. With 1,769 MB a function has the equivalent of one vCPU
(docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html)."""

WORKFLOW_MEMORY_MB = 1024
"""Memory of the other functions, in MB."""

CHILD_SECONDS = 300.0
"""Maximum duration of an Express workflow, in seconds: of a child execution with its waits and retries
(docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html)."""

FIRST_ROUND_WAIT_SECONDS = 150.0
"""How long the first round of a child execution may wait for a free Lambda execution, in seconds, by its retries. After
that there is time left for a whole round."""

LATER_ROUND_WAIT_SECONDS = 15.0
"""How long each later round may wait. Rows are deferred only if there is time left for their wait, for this one, and
for the round."""

MAX_ROUNDS = 90
"""Maximum rounds of a batch, which its time allows only if hosts ask for waits of about three seconds again and again.
The names of parts have two digits for the round."""

PASS_SECONDS = 60.0
"""Minimum wait before a pass, in seconds, and the unit of the waits of rows. Only the local AWS sets another one."""

MAX_IDLE_CONNECTIONS = 128
"""Idle connections to hosts that an environment keeps. Each has two of the 1,024 file descriptors of a function
(docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). With more hosts, each image needs a new one."""

MAX_URL_BYTES = 16 * 1024
"""Maximum length of a URL in bytes of UTF-8, also of the target of a redirect. Common servers accept no longer request
line: nginx, Apache and CloudFront 8 KB, Node.js and IIS 16 KB. RFC 9110, section 4.1, asks for 8,000 bytes at least."""

MAX_BASE_URL_CHARACTERS = 2048
"""Maximum length of `base_url`, which is in the metadata of a manifest (2 KB) and in the input of every batch."""

MAX_TABLE_KEY_BYTES = 2048
"""Maximum length of a partition key of DynamoDB in bytes of UTF-8
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html)."""

MAX_KEY_BYTES = 1024
"""Maximum length of an object key in bytes of UTF-8
(docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html)."""

FREE_EXECUTIONS = 3
"""Concurrent Lambda executions of the account that the batches of all runs leave free, at least: one each for
PrepareRun, SummarizeRun and the API."""

FREE_PERCENT = 10
"""The same in percent. In a large account the other functions need some too."""

MAX_SPREADSHEET_ROWS = 1_000_000
"""Spreadsheets have at most 1,048,576 rows. A run with more rows has no `results.csv`."""

MAX_LOCK_ROWS = 1_000_000
"""Rows of a lock manifest. The lock of a longer run is in several files, each of which is a manifest."""


def executions_for_batches(unreserved: int) -> int:
    """How many batches may be in progress at once, of all runs, with so many unreserved concurrent executions."""
    return max(1, unreserved - max(FREE_EXECUTIONS, unreserved * FREE_PERCENT // 100))
