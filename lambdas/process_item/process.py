"""What is done with one item: the file to replace with your own.

The folder is deployed as it is; put what you import beside this file. An exception fails the item, and its
class and message appear in the execution or its results. config.json says what happens then: for ``fanOut``
``stepfunc.onItemFailure``; ``distributedMap`` tries the item up to ``maxAttempts`` times, and its execution
fails when more items have failed than are tolerated.
"""

import logging
from typing import Any

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


def process(item: Any) -> Any:
    """Log the item and return it with its status.

    Parameters
    ----------
    item
        One item of the list as plain Python: str, bool, None, list, dict, and of a CSV list a dict of str.
        A number that comes from DynamoDB is a ``Decimal``, which is exact, a binary is ``bytes`` and a
        DynamoDB set is a ``set``; a number that comes from S3 or the input is an ``int`` or a ``float``.

    Returns
    -------
    JSON-able
        The item's result. ``Decimal`` is allowed, ``bytes`` and ``set`` are not.
    """
    logger.info({"item": item})
    return {"item": item, "status": "processed"}
