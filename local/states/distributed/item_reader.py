"""ItemReader: the items of a Distributed Map, read in a stream from the local S3."""

import codecs
import itertools
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ministack.services import s3

from local.states.distributed.csv_items import csv_items
from local.states.distributed.json_items import json_lines, json_members
from local.states.distributed.reader_errors import ItemReaderError
from local.states.distributed.s3_answers import refusal

GET_OBJECT = "arn:aws:states:::s3:getObject"
LIST_OBJECTS = "arn:aws:states:::s3:listObjectsV2"
INPUT_TYPES = ("JSON", "JSONL", "CSV")

STATE_DATA = "STATE_DATA"
"""The source of items that come from the state's input."""


class Item(NamedTuple):
    """One item, and what the context object says of it besides its index."""

    value: Any
    key: str | None
    """An object's key of the item, None for items of a list."""
    source: str | None
    """``S3://bucket/key`` or `STATE_DATA`."""

    def child_input(self) -> Any:
        """What a child execution is given where there is no ItemSelector."""
        return self.value if self.key is None else {"Key": self.key, "Value": self.value}


def read_items(
    resource: str, arguments: Mapping[str, Any], config: Mapping[str, Any], max_items: int | None
) -> Iterator[Item]:
    """Read the items of an ItemReader from the S3 of the caller's account.

    Parameters
    ----------
    resource
        `GET_OBJECT` or `LIST_OBJECTS`.
    arguments
        The evaluated Arguments or Parameters: Bucket, Key and VersionId, or Bucket and Prefix.
    config
        The evaluated ReaderConfig.
    max_items
        The evaluated MaxItems; None and 0 mean all. What follows the last item is not read.

    Yields
    ------
    Item
        In the order of the file, or of the keys in the bucket.

    Raises
    ------
    ItemReaderError
        The list cannot be read; where it is malformed further on, after the items before that place.
    """
    if max_items is not None and max_items < 0:
        raise ItemReaderError("field MaxItems must be positive")
    if resource == GET_OBJECT:
        bucket, key = _argument(arguments, "Bucket"), _argument(arguments, "Key")
        body = _object(bucket, key, arguments.get("VersionId"))
        items = items_of(body, config, f"S3://{bucket}/{key}")
    elif resource == LIST_OBJECTS:
        items = _bucket_items(_argument(arguments, "Bucket"), str(arguments.get("Prefix") or ""), config)
    else:
        raise ItemReaderError(
            f"The Resource of an ItemReader is {GET_OBJECT} or {LIST_OBJECTS}, not {resource}"
        )
    yield from itertools.islice(items, max_items or None)


def items_of(body: bytes, config: Mapping[str, Any], source: str | None = None) -> Iterator[Item]:
    """The items of a file.

    Parameters
    ----------
    body
        The file, UTF-8 without a byte order mark.
    config
        InputType with ItemsPointer (JSON), or CSVHeaderLocation, CSVHeaders and CSVDelimiter (CSV).

    Raises
    ------
    ItemReaderError
        The file is malformed; where it is so further on, after the items before that place.
    """
    input_type = config.get("InputType")
    if input_type not in INPUT_TYPES:
        raise ItemReaderError(f"InputType must be one of {', '.join(INPUT_TYPES)} here but was: {input_type}")
    if body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ItemReaderError("The file begins with a byte order mark: save it as UTF-8 without one.")
    if input_type == "JSON":
        members = json_members(body, _pointed(config.get("ItemsPointer")))
        return (Item(value, key, source) for key, value in members)
    values = json_lines(body) if input_type == "JSONL" else csv_items(body, config)
    return (Item(value, None, source) for value in values)


def _pointed(pointer: str | None) -> list[str]:
    """The keys of a JSON Pointer (RFC 6901)."""
    if not pointer:
        return []
    if not pointer.startswith("/"):
        raise ItemReaderError(f"ItemsPointer must begin with a slash but was: {pointer}")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]


def _argument(arguments: Mapping[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not value:
        raise ItemReaderError(f"The ItemReader needs a {name}: a string that is not empty.")
    if not value.isascii() and value != value.encode(errors="replace").decode():
        raise ItemReaderError(f"The {name} of the ItemReader is not UTF-8 text.")
    return value


def _object(bucket: str, key: str, version_id: str | None = None) -> bytes:
    """The body of an object: the one that S3 holds, not a copy."""
    query = {} if version_id is None else {"versionId": version_id}
    status, _, body = s3._get_object(bucket, key, {}, query)
    if status != 200:
        raise ItemReaderError(f"s3://{bucket}/{key} cannot be read: {refusal(body)}")
    data: bytes = body
    return data


def _bucket_items(bucket: str, prefix: str, config: Mapping[str, Any]) -> Iterator[Item]:
    """The objects of a bucket as items or, with LOAD_AND_FLATTEN, the items in them."""
    record = s3._ensure_bucket(bucket)
    if record is None:
        raise ItemReaderError(f"s3://{bucket} cannot be read: {refusal(s3._no_such_bucket(bucket)[2])}")
    objects = record["objects"]
    for key in sorted(key for key in list(objects) if key.startswith(prefix)):
        if config.get("Transformation") == "LOAD_AND_FLATTEN":
            yield from items_of(_object(bucket, key), config, f"S3://{bucket}/{key}")
        else:
            yield Item(_description(key, objects[key]), None, f"S3://{bucket}")


def _description(key: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """An object as the list of a bucket has it, LastModified in seconds since 1970."""
    return {
        "Etag": record["etag"],
        "Key": key,
        "LastModified": int(datetime.fromisoformat(record["last_modified"]).timestamp()),
        "Size": record["size"],
        "StorageClass": record.get("storage_class") or "STANDARD",
    }
