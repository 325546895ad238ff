"""Quotas of Step Functions that this interpreter enforces. A new quota belongs here, with its source.

DG is the AWS Step Functions Developer Guide, API the AWS Step Functions API Reference. Limits that exist only in this
interpreter (buffer sizes, for example) are constants of the module that needs them.

Modules read them as `quotas.NAME`, so that a test can lower one.
"""

MAX_PAYLOAD_BYTES = 256 * 1024
"""Input or output of a task, state or execution, as UTF-8. DG "Service quotas", "Quotas related to task executions"."""

MAX_HISTORY_EVENTS = 25_000
"""Events of a Standard execution. DG "Service quotas", "Quotas related to state machine executions"."""

EXPRESS_SECONDS = 300
"""Duration of an Express execution in seconds. DG "Service quotas", "Quotas related to state machine executions"."""

MAX_NAME_LENGTH = 80
"""Characters in the name of a state machine, execution or state. DG "Service quotas", "General quotas"."""

MAX_DEFINITION_LENGTH = 1_048_576
"""Characters in a definition. API "CreateStateMachine", `definition`."""

MAX_ERROR_LENGTH = 256
"""Characters in an error name; longer names are truncated. API "DescribeExecution", `error`."""

MAX_CAUSE_LENGTH = 32_768
"""Characters in a cause; longer causes are truncated. API "DescribeExecution", `cause`."""

DEFAULT_PAGE_SIZE = 100
"""Entries of a list where `maxResults` is 0 or missing. API "ListExecutions", `maxResults`."""

MAX_PAGE_SIZE = 1_000
"""Highest `maxResults`. API "ListExecutions"."""

MAX_TOKEN_LENGTH = 1_024
"""Characters of a `nextToken`. API "ListStateMachines"."""

MAX_EXECUTIONS_TOKEN_LENGTH = 3_096
"""Characters of a `nextToken` of ListExecutions. API "ListExecutions"."""

BILLED_MILLISECONDS = 100
"""The duration of an Express execution is billed in steps of this length. AWS Step Functions pricing."""

BILLED_MEGABYTES = 64
"""The memory of an Express execution is billed in steps of this size. AWS Step Functions pricing."""

MAX_STATUS_CHANGE_BYTES = 248 * 1024
"""Escaped input and output in a status change event. DG "Automating Step Functions event delivery with EventBridge"."""

MAX_WAIT_SECONDS = 99_999_999
"""`Seconds` of a Wait state, `IntervalSeconds`, `MaxAttempts` and other integers. DG "Wait workflow state"."""

MAX_DELAY_SECONDS = 2**31
"""Seconds until the timestamp of a Wait state; from here on it fails at once. Not documented; recorded from the
service, where 24,855 days wait and 24,856 days fail."""

MAX_RETRY_DELAY_SECONDS = 31_622_400
"""`MaxDelaySeconds` of a retrier: 366 days. DG "Handling errors in Step Functions workflows"."""

MAX_INLINE_CONCURRENCY = 40
"""Concurrent iterations of an inline Map. DG "Using Map state in Inline mode"."""

MAX_LABEL_LENGTH = 40
"""Characters in the `Label` of a Map state. DG "Using Map state in Distributed mode"."""

MAX_READER_ITEMS = 100_000_000
"""`MaxItems` of an ItemReader. DG "ItemReader (Map)"."""

MAX_CSV_HEADER_BYTES = 10 * 1024
"""Header of a CSV file, delimiters included. DG "ItemReader (Map)"."""

MAX_NESTED_INTRINSICS = 10
"""Intrinsic functions in one field. DG "Intrinsic functions for JSONPath states"."""

MAX_INTRINSIC_TEXT_LENGTH = 10_000
"""Characters that Base64Encode, Base64Decode and Hash accept. DG "Intrinsic functions for JSONPath states"."""

MAX_RANGE_LENGTH = 1_000
"""Elements of States.ArrayRange. DG "Intrinsic functions for JSONPath states"."""
