"""The job on Glue 5.1 (Spark 3.5, Python 3.11), and the counterpart of ../duckdb: a run in, Parquet and a report out.

It knows no dataset: the run names a recipe, and the recipe has contract, SQL and calendar. The same run document gives
the same rows as the embedded engine. It touches no catalog, overwrites nothing and publishes nothing.

Arguments: --dataset D --run N --state BUCKET --lake BUCKET --JOB_RUN_ID ID. Spark reads and writes s3://BUCKET/KEY.
Where Spark has no S3 file system, two more: --files DIR has BUCKET/KEY as plain files, --scratch DIR is where Spark
writes, and what it wrote is put under its key through S3.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Callable, Iterable
from urllib.parse import quote, unquote

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.utils import AnalysisException

# A law can be broken a million times; a report says so once.
FINDINGS = 200
# Requests to S3 under way at once.
REQUESTS = 16
# Tables written at once, and laws asked at once: one task of a small one leaves a core idle.
TABLES = 3
# Of the name that Hive, and Spark after it, give a partition without a value.
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"

# Of a file's end, so much is read at first: most footers are shorter.
TAIL = 64 * 1024
# Of what a row group takes in memory: some 20,000 rows of the widest table, which a query may pass over.
ROW_GROUP = 2 * 1024**2

# What must hold wherever the job runs: UTC, no silent loss, instants and dates as they are.
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.caseSensitive": "false",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.files.maxRecordsPerFile": "0",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.writeLegacyFormat": "false",
    "spark.sql.parquet.mergeSchema": "false",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96TimestampConversion": "false",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
}

# It drops from an order what it knows to be constant, such as the year of a unit. Then the rows do not have the order
# by partition that a write asks for, and Spark sorts again, by that alone. Glue may exclude rules of its own.
EXCLUDED = "spark.sql.optimizer.excludedRules"
RULE = "org.apache.spark.sql.catalyst.optimizer.FoldablePropagation"


class Refusal(Exception):
    """An error with a code that a person may see, as PregaoError is."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Stores:
    """Where documents and files are. `files` and `scratch` are folders, or None where Spark reads and writes S3 itself."""

    s3: Any
    state: str
    lake: str
    files: str | None = None
    scratch: str | None = None

    def bucket(self, name: str) -> str:
        return self.state if name == "state" else self.lake

    def path(self, name: str, key: str) -> str:
        """Where Spark reads an object."""
        bucket = self.bucket(name)
        if self.files is None:
            return f"s3://{bucket}/{key}"
        path = os.path.join(self.files, bucket, key)
        # A key that no file system takes for a name has its bytes elsewhere.
        return path if os.path.isfile(path) else self.fetched(bucket, key)

    def fetched(self, bucket: str, key: str) -> str:
        path = os.path.join(self.scratch or "", "fetched", hashlib.sha256(f"{bucket}/{key}".encode()).hexdigest())
        if not os.path.exists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self.s3.download_file(bucket, key, path)
        return path

    def get(self, name: str, key: str) -> Any:
        return json.loads(self.s3.get_object(Bucket=self.bucket(name), Key=key)["Body"].read())

    def head(self, name: str, key: str) -> tuple[str, int] | None:
        """An object's ETag and bytes; None: it does not exist."""
        try:
            found = self.s3.head_object(Bucket=self.bucket(name), Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise
        return found["ETag"].strip('"'), found["ContentLength"]

    def tail(self, name: str, key: str, size: int) -> bytes:
        """The last bytes of an object, or all of one that has no more."""
        if self.files is None:
            return self.s3.get_object(Bucket=self.bucket(name), Key=key, Range=f"bytes=-{size}")["Body"].read()
        with open(self.path(name, key), "rb") as body:
            body.seek(max(0, body.seek(0, os.SEEK_END) - size))
            return body.read()

    def list(self, name: str, prefix: str) -> dict[str, int]:
        """Key → bytes of all that is under a prefix, in order."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket(name), Prefix=prefix)
        return {found["Key"]: found["Size"] for page in pages for found in page.get("Contents", [])}

    def put(self, name: str, key: str, body: Any) -> None:
        """Creates an object; it fails if the key exists (see `connect`)."""
        try:
            self.s3.put_object(Bucket=self.bucket(name), Key=key, Body=body)
        except ClientError as error:
            # An attempt of this very call may have made it, and its answer was lost: nobody else writes under our names.
            again = error.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
            if not (again and error.response["ResponseMetadata"]["HTTPStatusCode"] == 412):
                raise

    def delete(self, name: str, keys: list[str]) -> None:
        for key in keys:
            self.s3.delete_object(Bucket=self.bucket(name), Key=key)

    def move(self, name: str, key: str, to: str) -> None:
        bucket = self.bucket(name)
        self.s3.copy({"Bucket": bucket, "Key": key}, bucket, to)
        self.s3.delete_object(Bucket=bucket, Key=key)


def connect() -> Any:
    """S3, by the environment's region, credentials and AWS_ENDPOINT_URL. Every PutObject creates: none overwrites."""
    s3 = boto3.client(
        "s3",
        config=Config(max_pool_connections=REQUESTS, retries={"mode": "standard", "total_max_attempts": 5}),
    )
    # Not its parameter IfNoneMatch: an older boto3 does not have it.
    s3.meta.events.register("before-call.s3.PutObject", create_only)
    return s3


def create_only(params: dict, **_: Any) -> None:
    params["headers"]["If-None-Match"] = "*"


# The keys of ../../core/run.ts.
def down(n: int) -> str:
    return str(9_999_999_999 - n).rjust(10, "0")


def run_key(dataset: str, n: int) -> str:
    return f"runs/{dataset}/{down(n)}.json"


def commit_key(dataset: str, n: int) -> str:
    return f"commits/{dataset}/{down(n)}.json"


def report_key(dataset: str, n: int, attempt: str) -> str:
    return f"reports/{dataset}/{down(n)}/{attempt}.json"


def recipe_key(dataset: str, digest: str) -> str:
    return f"recipes/{dataset}/{digest}.json"


def asset_key(digest: str) -> str:
    return f"assets/{digest}.ndjson"


def attempt_folder(table: str, n: int, attempt: str) -> str:
    return f"refined/{table}/run={n}-{attempt}/"


def partition_values(name: str) -> dict[str, str]:
    parts = (part.split("=", 1) for part in name.split("/") if part)
    return {column: unquote(value) for column, value in parts}


def partition_name(columns: Iterable[str], values: dict[str, str]) -> str:
    # Letters, digits and _ . - stand for themselves; quote() would also spare ~.
    return "/".join(f"{c}={quote(values[c], safe='').replace('~', '%7E')}" for c in columns)


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def ddl(fields: list[dict]) -> str:
    return ", ".join(f"{quoted(f['name'])} {f['type']}" for f in fields)


@dataclass(frozen=True)
class PartFile:
    """A Parquet file under a key of the lake, and the values of its partition columns, which are not in it."""

    key: str
    bytes: int
    values: dict[str, str]
    rows: int = 0


@dataclass
class Work:
    """What the work on a run needs. `kept` are the frames to be let go after the unit."""

    spark: SparkSession
    stores: Stores
    run: dict
    recipe: dict
    attempt: str
    kept: list[DataFrame]
    # Key → digest of the file's schema.
    schemas: dict[str, str] = field(default_factory=dict)
    # The names of the unit's views.
    named: list[str] = field(default_factory=list)

    def table(self, name: str) -> dict:
        return next(t for t in self.recipe["tables"] if t["name"] == name)

    def keep(self, frame: DataFrame) -> DataFrame:
        frame = frame.persist(StorageLevel.MEMORY_AND_DISK)
        self.kept.append(frame)
        return frame


def refine(spark: SparkSession, stores: Stores, dataset: str, run_number: int, attempt: str) -> dict:
    """Carries out a run: the same document gives the same rows.

    Reads each raw object under the run's ETag only (before and after), works unit by unit, writes into the folders of
    this attempt, which must be empty, and writes the report last, which it returns. A rebuild reads no base. Rows that
    the run says are withdrawn are in no view and no count.

    Raises Refusal `document`, `rebuild`, `attempt`, `object_changed`, `unit`, `base`, `partition`,
    `accounts`: as packages/engines/duckdb/refine.ts.
    """
    began = time.monotonic()
    for name, value in SETTINGS.items():
        spark.conf.set(name, value)
    excluded = [rule for rule in (spark.conf.get(EXCLUDED, None) or "").split(",") if rule.strip() not in ("", RULE)]
    spark.conf.set(EXCLUDED, ",".join([*excluded, RULE]))
    run = stores.get("state", run_key(dataset, run_number))
    if run.get("format") != 1:
        raise Refusal("document", f"{run_key(dataset, run_number)}: expected a document of format 1, came {run.get('format')}")
    recipe = stores.get("state", recipe_key(dataset, run["recipe"]))
    if run["rebuild"] and recipe["raw"] and not run["objects"]:
        raise Refusal(
            "rebuild",
            f"run {run_number}: expected the raw objects of {', '.join(run['units'])}, came none. Made of nothing, its tables would be empty: ask for the rebuild again",
        )
    for table in recipe["tables"]:
        must_be_empty(stores, attempt_folder(table["name"], run_number, attempt))
    check_objects(stores, run["objects"])
    work = Work(spark, stores, run, recipe, attempt, [])
    assets: dict[str, DataFrame] = {}
    try:
        for name, asset in recipe["assets"].items():
            rows = spark.read.schema(ddl(asset["columns"])).option("mode", "FAILFAST").option("__globPaths__", "false")
            frame = rows.json(stores.path("state", asset_key(asset["sha256"]))).persist(StorageLevel.MEMORY_AND_DISK)
            assets[name] = frame
            frame.createOrReplaceTempView(quoted(name))
        arrived = survey(work)
        counts = {"read": 0, "new": 0, "superseded": 0, "duplicate": 0}
        origins: dict[str, dict] = {}
        audit: list[dict] = []
        tables: dict[str, dict] = {}
        for unit in run["units"]:
            files = arrived.get(unit, {})
            views(work, unit, list(files))
            for name, written in steps(work, unit).items():
                tables.setdefault(name, {}).update(written)
            account(work, unit, sum(files.values()), counts, origins)
            audit += judge(work)
            forget(work)
        # What was read was the run's objects if they still are: between two equal ETags lies one content.
        check_objects(stores, run["objects"])
        report = {
            "dataset": dataset,
            "run": run_number,
            "attempt": attempt,
            "recipe": run["recipe"],
            "engine": f"spark {spark.version}",
            "rows": counts,
            "tables": tables,
            "origins": origins,
            "audit": audit,
            "seconds": round(time.monotonic() - began, 3),
        }
        body = json.dumps(report, ensure_ascii=False, separators=(",", ":")).encode()
        stores.put("state", report_key(dataset, run_number, attempt), body)
        return report
    except Refusal:
        raise
    except Exception:
        read_whole_base(work)
        raise
    finally:
        forget(work)
        for name, frame in assets.items():
            spark.catalog.dropTempView(name)
            frame.unpersist()


def must_be_empty(stores: Stores, folder: str) -> None:
    for key in stores.list("lake", folder):
        raise Refusal(
            "attempt",
            f"expected an empty folder {folder}, found {key}. Another attempt wrote there: start this one under a new id",
        )


def check_objects(stores: Stores, objects: list[dict]) -> None:
    """That each of the run's objects is there under the ETag that the run names."""
    for wanted, found in zip(objects, each(lambda o: stores.head("lake", o["key"]), objects)):
        key, etag = wanted["key"], wanted["etag"]
        if found is None:
            raise RuntimeError(f"expected the object lake/{key}, it does not exist")
        if found[0] != etag:
            raise Refusal(
                "object_changed",
                f"{key}: expected ETag {etag}, found {found[0]}. It was rewritten after the run was planned: let this run fail, the next one takes it as it is",
            )


def each(do: Callable, items: Iterable) -> list:
    """The results of requests, so many at a time, in order."""
    with ThreadPoolExecutor(REQUESTS) as pool:
        return list(pool.map(do, items))


# Views


def read_files(work: Work, columns: list[dict], keys: list[str], located: bool = False, as_stored: bool = False) -> DataFrame:
    """The rows of exactly these files of the lake, in exactly these columns; one that a file does not have is NULL, and
    one that it has in another type (it is of an older contract) is cast, or the reading fails. `located`: the column FILE
    too. `as_stored`: in the types that the files have."""
    digests = each(lambda key: schema_in(work, key), keys)
    groups: dict[tuple[str, ...], list[str]] = {}
    for digest, key in zip(digests, keys):
        stored = stored_types(work, digest, key)
        groups.setdefault(tuple(type_of(c, stored) for c in columns), []).append(key)
    frames = []
    for types, those in groups.items():
        frame = parquet(work, [work.stores.path("lake", key) for key in those], ddl([{**c, "type": t} for c, t in zip(columns, types)]))
        if located or list(types) != [c["type"] for c in columns]:
            cast = [F.col(quoted(c["name"])) if as_stored or t == c["type"] else cast_of(c) for c, t in zip(columns, types)]
            frame = frame.select(*cast, *([file_of().alias(FILE)] if located else []))
        frames.append(frame)
    return reduce(DataFrame.unionAll, frames)


def parquet(work: Work, paths: list[str], schema: str | None) -> DataFrame:
    # Names are names, not patterns, and folders say nothing of columns.
    reader = work.spark.read.option("__globPaths__", "false").option("recursiveFileLookup", "true")
    frame = (reader if schema is None else reader.schema(schema)).parquet(*paths)
    # Spark passes over what it takes for hidden, such as names with a _ before them, without a word.
    seen = {unquote(after_scheme(uri)) for uri in frame.inputFiles()}
    for path in paths:
        if after_scheme(path) not in seen:
            raise RuntimeError(f"expected Spark to read {path}, it passes over it")
    return frame


# What Spark reads as another type without a cast: (the contract's, the file's).
ALIKE = {("timestamp", "timestamp_ntz"), ("string", "binary")}


def type_of(column: dict, stored: dict[str, str]) -> str:
    """In which type a column is read from a file of these types."""
    wanted = column["type"].replace(" ", "").lower()
    found = stored.get(column["name"].lower(), wanted)
    return column["type"] if found == wanted or (wanted, found) in ALIKE else found


def cast_of(column: dict) -> Column:
    """A column in the contract's type; a value that does not fit fails the run, and is no NULL."""
    value, name, kind = F.col(quoted(column["name"])), column["name"], column["type"]
    cast = value.cast(kind)
    words = F.concat(F.lit(f"{name}: expected a value of {kind}, which the file has in another type, came "), value.cast("string"))
    return F.when(value.isNotNull() & cast.isNull(), F.raise_error(words).cast(kind)).otherwise(cast).alias(name)


# Digest of a schema as a footer has it → what Spark makes of it: name → type. The same for every file of that schema.
TYPES: dict[str, dict[str, str]] = {}


def stored_types(work: Work, digest: str, key: str) -> dict[str, str]:
    """The types of a file's columns, by name in lower case; none if there are some that Spark has no type for."""
    if digest not in TYPES:
        try:
            fields = parquet(work, [work.stores.path("lake", key)], None).schema.fields
        except AnalysisException:
            fields = []
        TYPES[digest] = {field.name.lower(): field.dataType.simpleString() for field in fields}
    return TYPES[digest]


def schema_in(work: Work, key: str) -> str:
    """The digest of a Parquet file's schema. Thousands of files have a few: only their ends are read for it."""
    if key not in work.schemas:
        tail = work.stores.tail("lake", key, TAIL)
        length = int.from_bytes(tail[-8:-4], "little") + 8
        if tail[-4:] != b"PAR1":
            raise RuntimeError(f"{key}: expected a Parquet file, it does not end as one")
        if length > len(tail):
            tail = work.stores.tail("lake", key, length)
        try:
            work.schemas[key] = hashlib.sha256(schema_of(tail[-length:-8])).hexdigest()
        except IndexError as error:
            raise RuntimeError(f"{key}: expected a Parquet file, its footer is not one's") from error
    return work.schemas[key]


def schema_of(footer: bytes) -> bytes:
    """The bytes of the second field, the schema, of a footer: Thrift's compact protocol. IndexError if it is none."""
    at, number = 0, 0
    while True:
        head = footer[at]
        # Fields of a footer come in order, and none is far from the one before.
        number += head >> 4
        end = skipped(footer, at + 1, head & 15)
        if number == 2:
            return footer[at:end]
        if head == 0 or number > 2:
            raise IndexError("a footer without a schema")
        at = end


def skipped(body: bytes, at: int, kind: int, in_list: bool = False) -> int:
    """Where a value that begins at a byte ends."""
    if kind in (1, 2):
        return at + in_list
    if kind == 3:
        return at + 1
    if kind in (4, 5, 6):
        return varint(body, at)[1]
    if kind == 7:
        return at + 8
    if kind == 8:
        length, at = varint(body, at)
        return at + length
    if kind in (9, 10):
        head = body[at]
        size, at = (head >> 4, at + 1) if head >> 4 < 15 else varint(body, at + 1)
        for _ in range(size):
            at = skipped(body, at, head & 15, True)
            body[at - 1]
        return at
    if kind == 12:
        while (head := body[at]) != 0:
            at += 1
            if head >> 4 == 0:
                at = varint(body, at)[1]
            at = skipped(body, at, head & 15)
        return at + 1
    raise IndexError(f"a value of kind {kind}")


def varint(body: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while body[at] & 128:
        value |= (body[at] & 127) << shift
        at, shift = at + 1, shift + 7
    return value | body[at] << shift, at + 1


# No column of ours has a space in its name.
FILE = "file of"


def file_of() -> Column:
    """The file that a row is read from, as `locations` spells it."""
    return F.expr("ltrim('/', substr(_metadata.file_path, instr(_metadata.file_path, ':') + 1))")


def after_scheme(uri: str) -> str:
    """A path without what stands before it: Spark writes file:/a and file:///a for /a."""
    return (uri if uri.startswith("/") else uri.split(":", 1)[1]).lstrip("/")


def locations(work: Work, frame: DataFrame, keys: Iterable[str]) -> dict[str, str]:
    """What `file_of` says of a row → the key in the lake, for each file of a frame. Spark escapes what is odd in a path."""
    key_of = {after_scheme(work.stores.path("lake", key)): key for key in keys}
    return {uri: key_of[unquote(uri)] for uri in map(after_scheme, frame.inputFiles())}


def parquet_view(work: Work, name: str, columns: list[dict], files: list[PartFile], partitions: list[dict]) -> None:
    """Makes `name` a view of exactly these files, with exactly these columns in these types; no file, no rows."""
    spark = work.spark
    if not files:
        show(work, name, no_rows(spark, columns + partitions))
        return
    frame = read_files(work, columns, [f.key for f in files], located=len(files) > 1)
    stored = [F.col(quoted(c["name"])) for c in columns]
    # All of them, or none: one value for all is no reason for a join.
    varying = [p["name"] for p in partitions] if len({tuple(f.values.values()) for f in files}) > 1 else []
    if varying:
        # One scan for however many files: the values are joined by file.
        values_of = {f.key: [f.values[column] for column in varying] for f in files}
        rows = ", ".join(
            f"({', '.join(map(literal, [uri, *values_of[key]]))})" for uri, key in locations(work, frame, values_of).items()
        )
        names = ", ".join(quoted(column) for column in [FILE, *varying])
        values = spark.sql(f"SELECT * FROM VALUES {rows} AS v({names})")
        frame = frame.join(F.broadcast(values), FILE)
    named = [
        (F.col(quoted(p["name"])) if p["name"] in varying else F.lit(files[0].values[p["name"]])).cast(p["type"]).alias(p["name"])
        for p in partitions
    ]
    show(work, name, frame.select(*stored, *named))


def show(work: Work, name: str, frame: DataFrame) -> None:
    """Makes `name` a view until the unit is done."""
    work.named.append(name)
    frame.createOrReplaceTempView(quoted(name))


def in_files(columns: list[dict]) -> list[dict]:
    """Columns as files have them: a timestamp is one without a zone, as in Hive's, Trino's and DuckDB's files."""
    return [{**c, "type": "timestamp_ntz" if c["type"] == "timestamp" else c["type"]} for c in columns]


def no_rows(spark: SparkSession, columns: list[dict]) -> DataFrame:
    nulls = ", ".join(f"CAST(NULL AS {c['type']}) AS {quoted(c['name'])}" for c in columns)
    return spark.sql(f"SELECT {nulls} WHERE false")


def literal(text: str) -> str:
    """A text as Spark's SQL spells it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def survey(work: Work) -> dict[str, dict[str, int]]:
    """Unit → key → rows, of the objects that have rows of it. Checks that the run names every unit its objects touch."""
    run, unit = work.run, work.recipe["unit"]
    keys = [o["key"] for o in run["objects"]]
    if not work.recipe["raw"] or not keys:
        return {}
    frame = read_files(work, work.recipe["raw"]["columns"], keys, located=True)
    key_of = locations(work, frame, keys)
    show(work, ALL, arrived_in(work, frame))
    units: dict[str, dict[str, int]] = {}
    of_row = f"CAST({unit['sql']} AS STRING)" if unit else "''"
    found = work.spark.sql(
        f"SELECT {of_row} AS unit, {quoted(FILE)} AS path, count(*) AS n FROM {quoted(ALL)} r GROUP BY 1, 2"
    )
    for name, path, n in found.collect():
        # A rebuild writes its own unit and no other: what its objects have of others is not looked at.
        if name is not None and run["rebuild"] and name not in run["units"]:
            continue
        if name is None or name not in run["units"]:
            raise Refusal(
                "unit",
                f"{key_of[path]}: expected rows of {', '.join(run['units'])} only, came {n} of {name or 'none'}. A unit that is not named has no base and would lose its rows: let this run fail",
            )
        units.setdefault(name, {})[key_of[path]] = n
    return units


ALL = "raw of all units"


def arrived_in(work: Work, frame: DataFrame) -> DataFrame:
    """The rows that arrived: those of events that are withdrawn did not."""
    withdrawn = work.run.get("withdrawn") or []
    if not withdrawn:
        return frame
    one = work.spark.range(1).select(F.explode(F.from_json(F.lit(json.dumps(withdrawn)), "array<string>")).alias("event_id"))
    return frame.join(one, "event_id", "left_anti").select(*frame.columns)


def views(work: Work, unit: str, keys: list[str]) -> None:
    """Makes `raw` and the `atual_` views of a unit. Raw is read again where it is used: a step needs few of its columns."""
    recipe = work.recipe
    for table in recipe["tables"]:
        files = [
            f
            for f in base_of(work.run, table["name"])
            if not recipe["unit"] or f.values.get(recipe["unit"]["partition"]) == unit
        ]
        each(lambda f: check_base(work, f), files)
        parquet_view(work, f"atual_{table['name']}", table["columns"], files, table["partitions"])
    if not recipe["raw"]:
        return
    columns = recipe["raw"]["columns"]
    frame = arrived_in(work, read_files(work, columns, keys)) if keys else no_rows(work.spark, columns)
    if recipe["unit"]:
        frame = frame.where(F.expr(f"CAST({recipe['unit']['sql']} AS STRING)").eqNullSafe(F.lit(unit)))
    show(work, "raw", frame)


# The base


def base_of(run: dict, table: str) -> list[PartFile]:
    """The files of a table's base; none in a rebuild, which reads no base."""
    if run["rebuild"]:
        return []
    return [
        PartFile(entry["folder"] + file["name"], file["bytes"], partition_values(partition), file["rows"])
        for partition, entry in run["tables"].get(table, {}).items()
        for file in entry["files"]
    ]


def check_base(work: Work, file: PartFile) -> None:
    found = work.stores.head("lake", file.key)
    if found is None:
        raise damaged(work, file, "it does not exist")
    if found[1] != file.bytes:
        raise damaged(work, file, f"found {found[1]}")


def read_whole_base(work: Work) -> None:
    """Reads the whole base alone, once a run has failed: what was damaged may have its size still, and then no object of
    the run is to blame. Raises Refusal `base` for the first file that cannot be read."""

    def trouble(table: dict, files: list[PartFile]) -> Exception | None:
        try:
            rows = read_files(work, table["columns"], [file.key for file in files], as_stored=True)
            rows.write.format("noop").mode("overwrite").save()
        except Exception as error:
            return error
        return None

    for table in work.recipe["tables"]:
        files = base_of(work.run, table["name"])
        each(lambda file: check_base(work, file), files)
        # One by one only if they cannot be read together: there may be thousands.
        for file in files if files and trouble(table, files) else []:
            error = trouble(table, [file])
            if error is not None and answers(work.spark):
                raise damaged(work, file, f"it cannot be read: {words(error)}") from error


def answers(spark: SparkSession) -> bool:
    """Whether Spark itself still works: of one that died, no file is to blame."""
    try:
        return spark.range(1).count() == 1
    except Exception:
        return False


def damaged(work: Work, file: PartFile, what: str) -> Refusal:
    unit, dataset = work.recipe["unit"], work.run["dataset"]
    only = f" --unit {file.values[unit['partition']]}" if unit else ""
    return Refusal(
        "base",
        f"[base] {file.key}: expected {file.bytes} bytes as its commit says, {what}. What is published was damaged: restore it, or make it anew by pregao refine {dataset} --rebuild{only}",
    )


# Steps


def steps(work: Work, unit: str) -> dict[str, dict]:
    """Runs the steps in order. A table is written when its turn comes; later steps and the audit read what was written."""

    def write_view(table: dict, frame: DataFrame) -> dict[str, PartFile]:
        files = write_table(work, table, frame, unit)
        parquet_view(work, table["name"], table["columns"], list(files.values()), table["partitions"])
        return files

    writing: dict[str, Future] = {}
    with ThreadPoolExecutor(TABLES) as pool:
        for step in work.recipe["steps"]:
            # A step that does not so much as name a table does not read it.
            for name, table in writing.items():
                if name.lower() in step["sql"].lower():
                    table.result()
            frame = work.spark.sql(step["sql"])
            if step.get("table"):
                writing[step["name"]] = pool.submit(write_view, work.table(step["name"]), frame)
            else:
                show(work, step["name"], frame if step.get("inline") else work.keep(frame))
        written = {name: table.result() for name, table in writing.items()}
    return {name: {at: entry(work, file) for at, file in sorted(files.items())} for name, files in written.items()}


def entry(work: Work, file: PartFile) -> dict:
    folder, name = file.key.rsplit("/", 1)
    files = [{"name": name, "bytes": file.bytes, "rows": file.rows}]
    return {"folder": f"{folder}/", "files": files, "recipe": work.run["recipe"]}


def write_table(work: Work, table: dict, frame: DataFrame, unit: str) -> dict[str, PartFile]:
    """Writes a table's rows of one unit, one file per partition: sorted, without the partition columns. A partition that
    is current and has no rows now gets a file of none. Raises Refusal `partition`."""
    parts = [p["name"] for p in table["partitions"]]
    unit_column = work.recipe["unit"]["partition"] if work.recipe["unit"] else None
    folder = attempt_folder(table["name"], work.run["run"], work.attempt)
    columns = [F.col(quoted(c["name"])).cast(c["type"]).alias(c["name"]) for c in in_files(table["columns"])]
    # Never null: Spark would put a projection of its own between the order of the rows and their files.
    named = [F.coalesce(F.col(quoted(p)).cast("string"), F.lit("")).alias(p) for p in parts]
    rows = frame.select(*columns, *named)
    order = [F.col(quoted(name)).asc_nulls_first() for name in [*parts, *table["sort"]]]
    rows = rows.repartition(*[F.col(quoted(p)) for p in parts]) if parts else rows.coalesce(1)
    before = set(work.stores.list("lake", folder))
    write(work, rows.sortWithinPartitions(*order) if order else rows, folder, parts)
    files: dict[str, PartFile] = {}
    for key, size in deliver(work, folder, parts, before).items():
        values = partition_values(key[len(folder) : key.rindex("/") + 1])
        partition = partition_name(parts, values)
        if partition in files:
            raise two_files(table, partition, files[partition].key, key)
        files[partition] = PartFile(key, size, values)
    rows_of = count_rows(work, table, list(files.values()))
    for partition, file in files.items():
        n = rows_of.get(file.key, 0)
        files[partition] = PartFile(file.key, file.bytes, file.values, n)
        for column in parts:
            value = file.values[column]
            if value == NO_VALUE or (column == unit_column and value != unit):
                raise Refusal(
                    "partition",
                    f"{table['name']}: expected {column} of every row to be {unit if column == unit_column else 'there'}, came {'null' if value == NO_VALUE else value} in {n} rows. The step {table['name']} of the recipe makes rows that are not of its unit: put it right",
                )
    for partition in work.run["tables"].get(table["name"], {}) if parts else []:
        values = partition_values(partition)
        if partition in files or (unit_column is not None and values.get(unit_column) != unit):
            continue
        at = f"{folder}{partition}/"
        write(work, no_rows(work.spark, in_files(table["columns"])).coalesce(1), at, [])
        for key, size in deliver(work, at, [], set()).items():
            if partition in files:
                raise two_files(table, partition, files[partition].key, key)
            files[partition] = PartFile(key, size, values)
        if partition not in files:
            raise RuntimeError(f"{table['name']} {partition}: expected one file, Spark wrote none")
    return files


def two_files(table: dict, partition: str, one: str, other: str) -> Exception:
    return RuntimeError(f"{table['name']} {partition}: expected one file, Spark wrote {one} and {other}")


def write(work: Work, rows: DataFrame, folder: str, parts: list[str]) -> None:
    """Has Spark write rows under a folder of the lake, or at its like in the scratch folder."""
    stores = work.stores
    to = f"s3://{stores.lake}/{folder}" if stores.scratch is None else os.path.join(stores.scratch, folder)
    writer = rows.write.mode("append").option("compression", "zstd").option("parquet.block.size", str(ROW_GROUP))
    writer = writer.option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
    (writer.partitionBy(*parts) if parts else writer).parquet(to)


def deliver(work: Work, folder: str, parts: list[str], before: set[str]) -> dict[str, int]:
    """Key → bytes of what Spark has just written under a folder, in folders of our names; nothing else is left there."""
    stores = work.stores

    def key_of(path: str) -> str:
        at, name = os.path.split(path)
        values = partition_values(at)
        return f"{folder}{partition_name(parts, values)}/{name}" if parts else folder + name

    if stores.scratch is not None:
        root = os.path.join(stores.scratch, folder)
        found = [os.path.relpath(os.path.join(at, name), root) for at, _, names in os.walk(root) for name in names]

        def put(path: str) -> None:
            with open(os.path.join(root, path), "rb") as body:
                stores.put("lake", key_of(path), body)

        each(put, filter(is_file, found))
        shutil.rmtree(root)
    else:
        made = [key for key in stores.list("lake", folder) if key not in before]
        # What a committer and a file system leave beside the files: _SUCCESS, _temporary, marks of folders.
        stores.delete("lake", [key for key in made if not is_file(key[len(folder) :])])
        for key in made:
            if is_file(key[len(folder) :]) and key != key_of(key[len(folder) :]):
                stores.move("lake", key, key_of(key[len(folder) :]))
    return {key: size for key, size in stores.list("lake", folder).items() if key not in before}


def is_file(path: str) -> bool:
    return path.endswith(".parquet") and not any(part.startswith(("_", ".")) for part in path.split("/"))


def count_rows(work: Work, table: dict, files: list[PartFile]) -> dict[str, int]:
    """Key → rows, as the files themselves say."""
    if not files:
        return {}
    frame = read_files(work, table["columns"], [file.key for file in files], located=True)
    key_of = locations(work, frame, [file.key for file in files])
    counted = frame.groupBy(quoted(FILE)).count().collect()
    return {key_of[path]: n for path, n in counted}


# What came of it


def account(work: Work, unit: str, read: int, counts: dict, origins: dict) -> None:
    """Adds a unit's counts to the run's."""
    if not work.recipe["raw"]:
        return
    if any(step["name"] == "accounts" for step in work.recipe["steps"]):
        rows = work.spark.sql("SELECT rows_read, rows_new, rows_superseded, rows_duplicate FROM accounts").take(1)
        total, new, superseded, duplicate = [-1 if n is None else int(n) for n in rows[0]] if rows else [-1, -1, -1, -1]
        made = {"new": new, "superseded": superseded, "duplicate": duplicate}
        if total != read or sum(made.values()) != read or min(made.values()) < 0:
            raise Refusal(
                "accounts",
                f"{work.run['dataset']} {unit}: expected the {read} rows read to be new, superseded or duplicate, came {json.dumps(made, separators=(',', ':'))}. The step accounts is wrong: put it right",
            )
        for name, n in made.items():
            counts[name] += n
    counts["read"] += read
    events = work.spark.sql(
        "SELECT origin_sha256 AS origin, count(DISTINCT event_id) AS n FROM raw GROUP BY origin_sha256 ORDER BY origin_sha256"
    )
    # A row is of one unit, so that events of different units are different events.
    for origin, n in events.collect():
        name = "null" if origin is None else origin
        origins[name] = {"events": origins.get(name, {"events": 0})["events"] + n}


def judge(work: Work) -> list[dict]:
    """The laws that a unit breaks."""

    def findings(audit: dict) -> list[dict]:
        law, severity = audit["name"], audit["severity"]
        broken = work.spark.sql(
            f"SELECT CAST(detalhe AS STRING) AS detalhe, CAST(sessao AS STRING) AS sessao, CAST(origem AS STRING) AS origem FROM ({audit['sql']}) a"
        )
        order = [F.col("sessao").asc_nulls_first(), F.col("origem").asc_nulls_first(), F.col("detalhe").asc_nulls_last()]
        first = broken.orderBy(*order).take(FINDINGS + 1)
        found = [
            {"law": law, "severity": severity, "session": session, "origin": origin, "detail": detail or ""}
            for detail, session, origin in first[:FINDINGS]
        ]
        if len(first) > FINDINGS:
            more = f"and {broken.count() - FINDINGS} more"
            found.append({"law": law, "severity": severity, "session": None, "origin": None, "detail": more})
        return found

    with ThreadPoolExecutor(TABLES) as pool:
        return [finding for found in pool.map(findings, work.recipe["audits"]) for finding in found]


def forget(work: Work) -> None:
    """Frees what a unit's steps kept, so that memory is that of the largest unit; the next one sees no view of it."""
    while work.named:
        work.spark.catalog.dropTempView(work.named.pop())
    while work.kept:
        work.kept.pop().unpersist()


def main(argv: list[str]) -> None:
    """Ends at once, without a report, if the run has its commit already."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("--dataset", "--run", "--state", "--lake", "--JOB_RUN_ID"):
        parser.add_argument(name, required=True)
    parser.add_argument("--files")
    parser.add_argument("--scratch")
    # Glue has arguments of its own.
    given, _ = parser.parse_known_args(argv)
    stores = Stores(connect(), given.state, given.lake, given.files, given.scratch)
    if stores.head("state", commit_key(given.dataset, int(given.run))) is not None:
        return
    builder = SparkSession.builder.appName(f"pregao {given.dataset} {given.run}")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    refine(builder.getOrCreate(), stores, given.dataset, int(given.run), given.JOB_RUN_ID)


def words(error: Exception) -> str:
    """What an error says, without the stack of the JVM that it may have come from."""
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith(("\tat ", "\t..."))]
    return "\n".join(lines)[:2000] or type(error).__name__


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Exception as error:
        print(json.dumps({"code": getattr(error, "code", None), "message": words(error)}), file=sys.stderr, flush=True)
        raise
