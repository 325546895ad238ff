"""Types of the records that pass between functions, from where they are created to where they are stored or shown.

They are TypedDicts because they are JSON or DynamoDB items in between. A misspelt field is a type error.

    ExecutionInput  ->  PreparedState  ->  BatchPayload  ->  ResultLine, ImageRecord  ->  RunSummary, RunRecord
"""

from functions.core.model.types.fold import FoldPlan
from functions.core.model.types.hosts import (
    CoolDown,
    HostChange,
    HostLimit,
    HostRecord,
    RobotsRecord,
    RobotsState,
)
from functions.core.model.types.images import ImageFacts, ImageRecord, KeptItem, ResultLine
from functions.core.model.types.index import IndexGroup, IndexPlan
from functions.core.model.types.passes import (
    DeferredItem,
    PassFile,
    PassPlan,
    PassSummary,
    PlannedPass,
    RecordedError,
)
from functions.core.model.types.probe import (
    Distribution,
    ListEstimate,
    ProbedHost,
    ProbeResult,
    SampleDesign,
    SampleStratum,
    ShareEstimate,
)
from functions.core.model.types.runs import OutcomeCounts, RunEnd, RunFields, RunRecord, RunSummary
from functions.core.model.types.values import BatchCounts, JsonObject, JsonValue, OptionValues, Signals
from functions.core.model.types.workflow import (
    BatchInput,
    BatchItem,
    BatchPayload,
    BatchRun,
    BucketName,
    CaughtError,
    CheckingRun,
    CreatedObject,
    ExecutionInput,
    ManifestReference,
    ObjectCreatedDetail,
    PreparedState,
    RangePlan,
    RepeatedRun,
    RequestedRun,
    RunReference,
)

__all__ = [
    "BatchCounts",
    "BatchInput",
    "BatchItem",
    "BatchPayload",
    "BatchRun",
    "BucketName",
    "CaughtError",
    "CheckingRun",
    "CoolDown",
    "CreatedObject",
    "DeferredItem",
    "Distribution",
    "ExecutionInput",
    "FoldPlan",
    "HostChange",
    "HostLimit",
    "HostRecord",
    "ImageFacts",
    "ImageRecord",
    "IndexGroup",
    "IndexPlan",
    "JsonObject",
    "JsonValue",
    "KeptItem",
    "ListEstimate",
    "ManifestReference",
    "ObjectCreatedDetail",
    "OptionValues",
    "OutcomeCounts",
    "PassFile",
    "PassPlan",
    "PassSummary",
    "PlannedPass",
    "PreparedState",
    "ProbeResult",
    "ProbedHost",
    "RangePlan",
    "RecordedError",
    "RepeatedRun",
    "RequestedRun",
    "ResultLine",
    "RobotsRecord",
    "RobotsState",
    "RunEnd",
    "RunFields",
    "RunRecord",
    "RunReference",
    "RunSummary",
    "SampleDesign",
    "SampleStratum",
    "ShareEstimate",
    "Signals",
]
