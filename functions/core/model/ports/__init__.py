"""Interfaces that `core` needs. `functions.adapters` implements them with AWS services, tests with fakes."""

from functions.core.model.ports.account import (
    LINK_SECONDS,
    AccountConcurrency,
    Executions,
    LambdaAccount,
    MapRuns,
    Progress,
    RunRegistry,
)
from functions.core.model.ports.hosts import HostRecords, HostsTable
from functions.core.model.ports.images import (
    ImageObject,
    ImageStore,
    ImageTable,
    ImageUpload,
    ShardStore,
    ShardUpload,
)
from functions.core.model.ports.manifests import ManifestCopies, Manifests, PresignedLinks, SubmittedManifests
from functions.core.model.ports.runs import (
    NOTICE_SECONDS,
    CheckFiles,
    IndexFiles,
    Notification,
    Notifications,
    PassFiles,
    ResultParts,
    RunFiles,
    RunOutcomes,
    RunRecords,
    RunResults,
    StoredPiece,
)

__all__ = [
    "LINK_SECONDS",
    "NOTICE_SECONDS",
    "AccountConcurrency",
    "CheckFiles",
    "Executions",
    "HostRecords",
    "HostsTable",
    "ImageObject",
    "ImageStore",
    "ImageTable",
    "ImageUpload",
    "IndexFiles",
    "LambdaAccount",
    "ManifestCopies",
    "Manifests",
    "MapRuns",
    "Notification",
    "Notifications",
    "PassFiles",
    "PresignedLinks",
    "Progress",
    "ResultParts",
    "RunFiles",
    "RunOutcomes",
    "RunRecords",
    "RunRegistry",
    "RunResults",
    "ShardStore",
    "ShardUpload",
    "StoredPiece",
    "SubmittedManifests",
]
