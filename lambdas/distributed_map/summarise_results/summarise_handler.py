"""Lambda handler that summarises the results of a Map Run: counts them, writes and returns ``summary.json``.

The event is ``{"bucket": "…", "key": "runs/…/manifest.json"}``: where the ResultWriter left its manifest.
"""

import logging
from typing import Any

import boto3

# Lambda puts this folder, and not the project, on the path.
from summary import summarise_results  # type: ignore[import-not-found]

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


def summarise(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Write the summary beside the manifest, and return it."""
    summary: dict[str, Any] = summarise_results(boto3.client("s3"), event["bucket"], event["key"])
    logger.info(summary)
    return summary
