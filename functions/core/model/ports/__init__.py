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
from functions.core.model.ports.images import ImageObject, ImageStore, ImageTable, ImageUpload
from functions.core.model.ports.manifests import ManifestCopies, Manifests, PresignedLinks, SubmittedManifests
from functions.core.model.ports.runs import (
    NOTICE_SECONDS,
    IndexFiles,
    Notification,
    Notifications,
    PassFiles,
    ResultParts,
    RunFiles,
    RunRecords,
    RunResults,
)

__all__ = [
    "LINK_SECONDS",
    "NOTICE_SECONDS",
    "AccountConcurrency",
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
    "RunRecords",
    "RunRegistry",
    "RunResults",
    "SubmittedManifests",
]
