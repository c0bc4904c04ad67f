"""boto3, pandas and pyarrow against a river, as a person uses them: the environment says where AWS is, nothing else does.

One argument: a message for the queue bovespa, as JSON. Prints one JSON document of what was found.
"""

import hashlib
import io
import json
import os
import sys
import time
import urllib.request

import boto3
import pandas as pd
import pyarrow.dataset as ds
import pyarrow.fs as fs
import pyarrow.parquet as pq

message = sys.argv[1]
found = {}

# Queues, by the resource that tutorials use.
sqs = boto3.resource("sqs")
queue = sqs.get_queue_by_name(QueueName="bovespa")
sent = queue.send_messages(Entries=[{"Id": "good", "MessageBody": message}, {"Id": "bad", "MessageBody": "{}"}])
found["sent"] = sorted(entry["Id"] for entry in sent["Successful"])
found["md5"] = {entry["Id"]: entry["MD5OfMessageBody"] for entry in sent["Successful"]}
found["md5 is right"] = found.pop("md5")["good"] == hashlib.md5(message.encode()).hexdigest()
urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/_pregao/idle").read()
letters = sqs.get_queue_by_name(QueueName="bovespa-dlq").receive_messages(
    MaxNumberOfMessages=10, VisibilityTimeout=0, AttributeNames=["All"], MessageAttributeNames=["All"], WaitTimeSeconds=1
)
found["letters"] = len(letters)

# Objects.
s3 = boto3.resource("s3")
bucket = s3.Bucket("lake")
keys = [o.key for o in bucket.objects.filter(Prefix="refined/bovespa_refined/")]
found["refined files"] = len(keys) > 0
body = os.urandom(20 * 1024 * 1024)
bucket.upload_fileobj(io.BytesIO(body), "clients/big file+ã.bin")
copy = io.BytesIO()
bucket.download_fileobj("clients/big file+ã.bin", copy)
found["multipart"] = copy.getvalue() == body
bucket.Object("clients/small.txt").put(Body=b"1", Metadata={"who": "boto3"})
found["metadata"] = bucket.Object("clients/small.txt").metadata
url = boto3.client("s3").generate_presigned_url("get_object", Params={"Bucket": "lake", "Key": "clients/small.txt"})
found["presigned"] = urllib.request.urlopen(url).read().decode()
found["deleted"] = len(bucket.objects.filter(Prefix="clients/").delete()[0]["Deleted"])

# The catalog.
glue = boto3.client("glue")
tables = [t for page in glue.get_paginator("get_tables").paginate(DatabaseName="bovespa_database") for t in page["TableList"]]
refined = next(t for t in tables if t["Name"] == "bovespa_refined")
pages = glue.get_paginator("get_partitions").paginate(
    DatabaseName="bovespa_database", TableName="bovespa_refined", Expression="year = '2024'"
)
[partition] = [p for page in pages for p in page["Partitions"]]
found["types"] = {c["Name"]: c["Type"] for c in refined["StorageDescriptor"]["Columns"]}
found["partition"] = partition["Values"]

# Athena.
athena = boto3.client("athena")


def ask(sql):
    started = athena.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": "bovespa_database", "Catalog": "AwsDataCatalog"},
        WorkGroup="primary",
    )
    while True:
        execution = athena.get_query_execution(QueryExecutionId=started["QueryExecutionId"])["QueryExecution"]
        state = execution["Status"]["State"]
        if state not in ("QUEUED", "RUNNING"):
            break
        time.sleep(0.05)
    if state != "SUCCEEDED":
        return state, execution["Status"]["StateChangeReason"]
    return state, execution


state, execution = ask("SELECT ticker, preco_ultimo, data_pregao FROM bovespa_refined WHERE ticker = 'TESTE11'")
pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution["QueryExecutionId"])
found["rows"] = [[c.get("VarCharValue") for c in row["Data"]] for page in pages for row in page["ResultSet"]["Rows"]]
found["failed"] = ask("SELECT nothing FROM bovespa_refined")[0]

# pandas: the result's CSV where Athena left it, and the partition's files by pyarrow's own S3 client.
at, _, key = execution["ResultConfiguration"]["OutputLocation"].removeprefix("s3://").partition("/")
frame = pd.read_csv(s3.Object(at, key).get()["Body"], dtype={"preco_ultimo": str})
found["csv"] = frame.to_dict("records")
here = fs.S3FileSystem(
    access_key="local",
    secret_key="local",
    region=os.environ["AWS_REGION"],
    endpoint_override=os.environ["AWS_ENDPOINT_URL"].removeprefix("http://"),
    scheme="http",
)
folder = partition["StorageDescriptor"]["Location"].removeprefix("s3://").rstrip("/")
data = ds.dataset(folder, filesystem=here, format="parquet")
frame = data.to_table(filter=ds.field("ticker") == "TESTE11").to_pandas()
found["dataset"] = [str(value) for value in frame["preco_ultimo"]]
found["schema"] = {field.name: str(field.type) for field in data.schema}
frame = pd.read_parquet(folder, filesystem=here, columns=["ticker", "volume_total"])
found["pandas rows"] = len(frame)
pq.write_table(data.to_table(columns=["ticker", "preco_ultimo"]), "lake/clients/out.parquet", filesystem=here)
found["written"] = len(pd.read_parquet("lake/clients/out.parquet", filesystem=here)) == len(frame)
bucket.Object("clients/out.parquet").delete()

print(json.dumps(found))
