"""One Spark session for many small runs of packages/engines/spark/refine.py.

Reads requests from standard input and answers each on standard output, one line of JSON each, in order. Lakes are
folders; an object's ETag is the SHA-256 of its bytes. Ends when its input does.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import traceback
from dataclasses import dataclass
from typing import Any

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../packages/engines/spark"))
os.environ["TZ"] = "UTC"
os.environ["PYSPARK_PYTHON"] = sys.executable
# Flags of a JVM that lives for minutes and compiles the same plans again and again.
os.environ["PYSPARK_SUBMIT_ARGS"] = (
    "--driver-memory 2g --driver-java-options '-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=1g -XX:+UseSerialGC' pyspark-shell"
)
time.tzset()

import refine as job  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402


@dataclass(frozen=True)
class FolderStores(job.Stores):
    """The job's stores in a folder, without a server in between."""

    root: str = ""

    def at(self, name: str, key: str) -> str:
        return os.path.join(self.root, self.bucket(name), key)

    def get(self, name: str, key: str) -> Any:
        with open(self.at(name, key), encoding="utf-8") as body:
            return json.load(body)

    def head(self, name: str, key: str) -> tuple[str, int] | None:
        path = self.at(name, key)
        if not os.path.isfile(path):
            return None
        with open(path, "rb") as body:
            return hashlib.file_digest(body, "sha256").hexdigest(), os.path.getsize(path)

    def list(self, name: str, prefix: str) -> dict[str, int]:
        top = self.at(name, "")
        under = self.at(name, prefix[: prefix.rfind("/") + 1])
        paths = [os.path.join(folder, file) for folder, _, files in os.walk(under) for file in files]
        keys = sorted(os.path.relpath(path, top) for path in paths)
        return {key: os.path.getsize(os.path.join(top, key)) for key in keys if key.startswith(prefix)}

    def put(self, name: str, key: str, body: Any) -> None:
        path = self.at(name, key)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "xb") as file:
            file.write(body if isinstance(body, bytes) else body.read())

    def move(self, name: str, key: str, to: str) -> None:
        os.makedirs(os.path.dirname(self.at(name, to)), exist_ok=True)
        os.rename(self.at(name, key), self.at(name, to))

    def delete(self, name: str, keys: list[str]) -> None:
        for key in keys:
            os.remove(self.at(name, key))


def start() -> SparkSession:
    builder = SparkSession.builder.master("local[2]").appName("parity")
    settings = {
        **job.SETTINGS,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.codegen.cache.maxEntries": "2000",
        "spark.sql.files.minPartitionNum": "1",
        # A third of the time of a small run would be spent on describing its plans to nobody.
        "spark.sql.ui.explainMode": "simple",
        "spark.sql.maxPlanStringLength": "0",
        "spark.sql.debug.maxToStringFields": "0",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def refine(spark: SparkSession, request: dict) -> dict:
    root = request["dir"]
    stores = FolderStores(None, "state", "lake", root, os.path.join(root, "spark scratch"), root)
    began = time.monotonic()
    try:
        report = job.refine(spark, stores, request["dataset"], request["run"], request["attempt"])
        return {"report": report, "seconds": time.monotonic() - began}
    except job.Refusal as refusal:
        return {"code": refusal.code, "message": str(refusal)}
    except Exception as error:
        return {"code": "error", "message": f"{error}\n{traceback.format_exc()}"[:20000]}


def casts(spark: SparkSession, request: dict) -> dict:
    """What SQL's TRY_CAST makes of each text, for each type, as text."""
    rows = [(i, text) for i, text in enumerate(request["texts"])]
    spark.createDataFrame(rows, "i int, t string").createOrReplaceTempView("texts")
    of = ", ".join(f"CAST(TRY_CAST(t AS {kind}) AS STRING)" for kind in request["types"])
    found = spark.sql(f"SELECT {of} FROM texts ORDER BY i").collect()
    return {"casts": {kind: [row[i] for row in found] for i, kind in enumerate(request["types"])}}


def main() -> None:
    # Whatever prints must not print between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    spark = start()
    for line in sys.stdin:
        request = json.loads(line)
        answer = casts(spark, request) if request["do"] == "casts" else refine(spark, request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    spark.stop()


if __name__ == "__main__":
    main()
