"""Parquet by Spark and pyarrow. Reads one JSON document from standard input and writes one to standard output.

{"write": [{"path", "columns", "rows", "as"}], "read": [{"path", "columns"}], "scratch"}: rows are lists of texts as
parquet.ts spells them, or null; or {"files": [path]}, which have them. `as` is "engine", for how packages/engines/spark
writes, or "hive", for what Hive's writer, which Firehose is made of, does otherwise: INT96, legacy decimals, Snappy.
Answer: path -> what pyarrow finds in the footer, and the rows as pyarrow and Spark (by the engine's own reader) read them.
"""

import datetime
import glob
import json
import os
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../packages/engines/spark"))
# A machine whose zone is not UTC, and had nights without a midnight: the engine's settings must be all that counts.
ZONE = "America/Sao_Paulo"
os.environ["TZ"] = ZONE
os.environ["PYSPARK_PYTHON"] = sys.executable
os.environ["PYSPARK_SUBMIT_ARGS"] = (
    f"--driver-memory 1g --driver-java-options '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Duser.timezone={ZONE}' pyspark-shell"
)
time.tzset()

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
import refine as job  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

HIVE = {"spark.sql.parquet.outputTimestampType": "INT96", "spark.sql.parquet.writeLegacyFormat": "true"}


def start():
    builder = SparkSession.builder.master("local[2]").appName("parquet")
    settings = {
        **job.SETTINGS,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def bits(text):
    return struct.unpack(">d", bytes.fromhex(text))[0]


# How a value is carried into Spark, and what makes it the column's.
CARRIED = {
    "int": ("long", int, lambda c: c.cast("int")),
    "bigint": ("long", int, lambda c: c),
    "double": ("double", bits, lambda c: c),
    "boolean": ("boolean", lambda text: text == "true", lambda c: c),
    "date": ("int", int, F.date_from_unix_date),
    "timestamp": ("long", int, F.timestamp_micros),
}


def unscaled(text, scale):
    """A decimal's text as its digits without the point."""
    return int(text.replace(".", "")) if scale else int(text)


def scale_of(kind):
    return int(kind[:-1].split(",")[1])


def spelled(digits, scale):
    sign, digits = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
    digits = digits.rjust(scale + 1, "0")
    return sign + (digits[:-scale] + "." + digits[-scale:] if scale else digits)


def carried(kind):
    if kind in CARRIED:
        return CARRIED[kind]
    if kind == "string":
        return "string", str, lambda c: c
    scale = scale_of(kind)
    return "string", lambda text: spelled(text, scale), lambda c: c.cast(kind)


def made_of(spark, request):
    """The rows to be written, in their order."""
    columns = request["columns"]
    if isinstance(request["rows"], dict):
        files = request["rows"]["files"]
        return spark.read.schema(job.ddl(columns)).option("recursiveFileLookup", "true").parquet(*files).coalesce(1)
    kinds = [carried(c["type"]) for c in columns]
    rows = [[None if v is None else kind[1](v) for v, kind in zip(row, kinds)] for row in request["rows"]]
    ddl = ", ".join(f"`{c['name']}` {kind[0]}" for c, kind in zip(columns, kinds))
    frame = spark.createDataFrame(rows, ddl).coalesce(1)
    return frame.select(*[kind[2](F.col(c["name"])).alias(c["name"]) for c, kind in zip(columns, kinds)])


def write(spark, scratch, request):
    frame = made_of(spark, request)
    before = {name: spark.conf.get(name) for name in HIVE}
    folder = os.path.join(scratch, "hive" if request["as"] == "hive" else "made")
    if request["as"] == "hive":
        for name, value in HIVE.items():
            spark.conf.set(name, value)
        frame.write.mode("overwrite").option("compression", "snappy").parquet(folder)
        for name, value in before.items():
            spark.conf.set(name, value)
    else:
        work = job.Work(spark, job.Stores(None, "state", "lake", scratch, scratch), {}, {}, "a", [])
        job.write(work, frame, "made", [])
    [made] = glob.glob(os.path.join(folder, "*.parquet"))
    os.makedirs(os.path.dirname(request["path"]), exist_ok=True)
    os.rename(made, request["path"])


def texts(kind, values):
    """A column's values, as Python has them, in the spelling of parquet.ts."""
    if kind == "double":
        spell = lambda v: struct.pack(">d", v).hex()  # noqa: E731
    elif kind == "boolean":
        spell = lambda v: "true" if v else "false"  # noqa: E731
    elif kind.startswith("decimal"):
        spell = lambda v: str(unscaled(format(v, "f"), scale_of(kind)))  # noqa: E731
    else:
        spell = str
    return [None if v is None else spell(v) for v in values]


def by_spark(spark, request):
    frame = spark.read.schema(job.ddl(request["columns"])).parquet(request["path"])
    made = {
        "date": F.unix_date,
        "timestamp": F.unix_micros,
    }
    columns = [made.get(c["type"], lambda x: x)(F.col(c["name"])).alias(c["name"]) for c in request["columns"]]
    rows = frame.select(*columns).collect()
    named = [texts(c["type"], [row[i] for row in rows]) for i, c in enumerate(request["columns"])]
    inferred = {f.name: f.dataType.simpleString() for f in spark.read.parquet(request["path"]).schema.fields}
    return {"rows": [list(row) for row in zip(*named)], "types": [inferred[c["name"]] for c in request["columns"]]}


def by_pyarrow(request):
    # Else it has INT96 in nanoseconds, in which 9999 wraps without a word.
    table = pq.read_table(request["path"], coerce_int96_timestamp_unit="us")
    named = []
    for c in request["columns"]:
        column = table.column(c["name"])
        if c["type"] == "date":
            column = column.cast(pa.int32())
        if c["type"] == "timestamp":
            unit = pa.timestamp("us", tz=column.type.tz)
            column = column.cast(unit).cast(pa.int64())
        named.append(texts(c["type"], column.to_pylist()))
    types = [str(table.schema.field(c["name"]).type) for c in request["columns"]]
    return {"rows": [list(row) for row in zip(*named)], "types": types}


def footer(path):
    file = pq.ParquetFile(path)
    elements = [file.schema.column(i) for i in range(len(file.schema))]
    return [
        {
            "name": e.name,
            "physical": e.physical_type,
            "logical": str(e.logical_type),
            "converted": e.converted_type,
            "optional": e.max_definition_level == 1,
        }
        for e in elements
    ]


def main():
    out = os.dup(1)
    # Whatever a library prints is not the answer.
    os.dup2(2, 1)
    asked = json.load(sys.stdin)
    spark = start()
    for request in asked["write"]:
        write(spark, asked["scratch"], request)
    answer = {
        request["path"]: {
            "footer": footer(request["path"]),
            "pyarrow": by_pyarrow(request),
            "spark": by_spark(spark, request),
        }
        for request in asked["read"]
    }
    with os.fdopen(out, "w", encoding="utf-8") as document:
        json.dump(answer, document, ensure_ascii=False)
    spark.stop()


assert datetime.datetime.now().astimezone().utcoffset() == datetime.timedelta(hours=-3)
main()
