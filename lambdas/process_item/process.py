"""What is done with one item: the file to replace with your own.

The folder is deployed as it is; put what you import beside this file. An exception fails the item, and its
class and message appear in the execution; what happens then is ``stepfunc.onItemFailure`` in config.json.
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
        One item of the list as plain Python: str, bool, None, list, dict. A number that comes from DynamoDB
        is a ``Decimal``, which is exact, a binary is ``bytes`` and a DynamoDB set is a ``set``.

    Returns
    -------
    JSON-able
        The item's place in the execution's results. ``Decimal`` is allowed, ``bytes`` and ``set`` are not.
    """
    logger.info({"item": item})
    return {"item": item, "status": "processed"}
