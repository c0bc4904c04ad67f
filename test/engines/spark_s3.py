"""Carries out one run of packages/engines/spark/refine.py as on Glue: no --files, no --scratch, Spark itself reads and
writes s3://. Its S3 file system is Hadoop's view of a folder; listings, ETags and documents are of the same folder.

Arguments: folder (with `lake` and `state`), dataset, run, attempt. Prints the report.
"""

import hashlib
import json
import os
import sys
import time
from dataclasses import dataclass
from typing import Any

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../packages/engines/spark"))
os.environ["TZ"] = "UTC"
os.environ["PYSPARK_PYTHON"] = sys.executable
time.tzset()

import refine as job  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402


marks_gone: "set[str]" = set()


@dataclass(frozen=True)
class FolderStores(job.Stores):
    root: str = ""

    def at(self, name: str, key: str) -> str:
        return os.path.join(self.root, self.bucket(name), key)

    def get(self, name: str, key: str) -> Any:
        with open(self.at(name, key), encoding="utf-8") as body:
            return json.load(body)

    def tail(self, name: str, key: str, size: int) -> bytes:
        with open(self.at(name, key), "rb") as body:
            return body.read()[-size:]

    def head(self, name: str, key: str) -> tuple[str, int] | None:
        if not os.path.isfile(self.at(name, key)):
            return None
        with open(self.at(name, key), "rb") as body:
            return hashlib.file_digest(body, "sha256").hexdigest(), os.path.getsize(self.at(name, key))

    def list(self, name: str, prefix: str) -> "dict[str, int]":
        top = self.at(name, "")
        found: dict[str, int] = {}
        for folder, _, files in os.walk(top):
            # As S3A does, a folder leaves a mark of no bytes.
            for path in [*(os.path.join(folder, file) for file in files), folder + "/"]:
                found[os.path.relpath(path, top) + ("/" if path.endswith("/") else "")] = os.path.getsize(path)
        return {key: found[key] for key in sorted(found) if key.startswith(prefix) and key not in marks_gone}

    def put(self, name: str, key: str, body: Any) -> None:
        os.makedirs(os.path.dirname(self.at(name, key)), exist_ok=True)
        with open(self.at(name, key), "xb") as file:
            file.write(body)

    def delete(self, name: str, keys: "list[str]") -> None:
        for key in keys:
            if key.endswith("/"):
                marks_gone.add(key)
            else:
                os.remove(self.at(name, key))

    def move(self, name: str, key: str, to: str) -> None:
        os.makedirs(os.path.dirname(self.at(name, to)), exist_ok=True)
        os.rename(self.at(name, key), self.at(name, to))
        # A copy on S3 leaves none.
        marks_gone.add(os.path.dirname(to) + "/")


root, dataset, run, attempt = sys.argv[1:]
settings = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
    "spark.hadoop.fs.viewfs.overload.scheme.target.file.impl": "org.apache.hadoop.fs.LocalFileSystem",
    "spark.hadoop.fs.viewfs.mounttable.lake.linkFallback": f"file://{root}/lake",
    "spark.hadoop.fs.viewfs.mounttable.state.linkFallback": f"file://{root}/state",
}
builder = SparkSession.builder.master("local[2]")
for name, value in settings.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("OFF")
report = job.refine(spark, FolderStores(None, "state", "lake", root=root), dataset, int(run), attempt)
print(json.dumps(report))
spark.stop()
