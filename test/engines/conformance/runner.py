"""Carries out AWS calls by boto3: one JSON document a line in, one a line out, in order.

in:  {"service": "sqs", "operation": "SendMessage", "input": {…}}; bytes are {"$blob": base64}, times {"$date": seconds}
out: {"ok": true, "status": 200, "output": {…}, "wrong": […]}
     {"ok": false, "status": 400, "code": …, "name": …, "message": …, "modelled": true, "of_operation": true, "wrong": []}

`wrong` says where the answer's raw body is not what botocore's service model (AWS's own statement of the wire) lets it
be: members it does not have, required ones that are missing, other types, values outside an enum or a length.
"""

import base64
import datetime
import json
import re
import sys
import xml.etree.ElementTree as tree

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

endpoint, region = sys.argv[1:3]
clients = {}
seen = {}


# By the names of boto3, where they are others than the services' own.
NAMES = {"cloudwatchlogs": "logs"}


def client(service):
    if service not in clients:
        made = boto3.client(
            NAMES.get(service, service),
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(
                # What the service says of a bad input is what is asked; the client's own opinion is not.
                parameter_validation=False,
                retries={"total_max_attempts": 1},
                read_timeout=60,
                s3={"addressing_style": "path"},
            ),
        )
        made.meta.events.register("before-parse.*", remember)
        clients[service] = made
    return clients[service]


def remember(operation_model=None, response_dict=None, **_):
    seen["operation"], seen["response"] = operation_model, response_dict


def binary(value):
    if isinstance(value, dict):
        if set(value) == {"$blob"}:
            return base64.b64decode(value["$blob"])
        if set(value) == {"$date"}:
            return datetime.datetime.fromtimestamp(value["$date"], datetime.timezone.utc)
        return {key: binary(item) for key, item in value.items()}
    return [binary(item) for item in value] if isinstance(value, list) else value


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return {"$date": value.timestamp()}
    if isinstance(value, StreamingBody):
        value = value.read()
    if isinstance(value, (bytes, bytearray)):
        return {"$blob": base64.b64encode(value).decode()}
    return value


scalars = {
    "string": str,
    "character": str,
    "blob": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
}


def bounds(shape, value, path):
    size = value if isinstance(value, (int, float)) else len(value)
    limits = shape.metadata
    if "min" in limits and size < limits["min"] or "max" in limits and size > limits["max"]:
        yield f"{path}: {size} is not within {limits.get('min')} and {limits.get('max')}"


def wrong_json(shape, value, path):
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            yield f"{path}: not a structure"
            return
        for name in shape.required_members:
            if value.get(name) is None:
                yield f"{path}.{name}: required, missing"
        for name, item in value.items():
            if name not in shape.members:
                yield f"{path}.{name}: no such member"
            elif item is None:
                yield f"{path}.{name}: null"
            else:
                yield from wrong_json(shape.members[name], item, f"{path}.{name}")
    elif kind == "list":
        if not isinstance(value, list):
            yield f"{path}: not a list"
            return
        yield from bounds(shape, value, path)
        for item in value:
            yield from wrong_json(shape.member, item, f"{path}[]")
    elif kind == "map":
        if not isinstance(value, dict):
            yield f"{path}: not a map"
            return
        for key, item in value.items():
            yield from wrong_json(shape.key, key, f"{path}.key")
            yield from wrong_json(shape.value, item, f"{path}.{key}")
    elif not isinstance(value, scalars[kind]) or (kind != "boolean" and isinstance(value, bool)):
        yield f"{path}: not a {kind}"
    else:
        yield from wrong_scalar(shape, value, path)


def wrong_scalar(shape, value, path):
    if shape.type_name not in ("boolean", "timestamp", "blob"):
        yield from bounds(shape, value, path)
    if getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{path}: {value!r} is not one of the enum"
    pattern = shape.metadata.get("pattern")
    if pattern and isinstance(value, str):
        try:
            # Java's classes and escapes that Python does not know are not judged.
            fits = re.search(f"^(?:{pattern})$", value, re.S)
        except re.error:
            return
        if not fits:
            yield f"{path}: {value[:60]!r} does not match {pattern}"


def wrong_text(shape, text, path):
    kind = shape.type_name
    try:
        if kind in ("integer", "long"):
            int(text)
        elif kind in ("float", "double"):
            float(text)
        elif kind == "boolean" and text not in ("true", "false"):
            raise ValueError
        elif kind == "timestamp" and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|\w{3}, .* GMT", text):
            raise ValueError
    except ValueError:
        yield f"{path}: {text!r} is not a {kind}"
        return
    if kind == "string":
        yield from wrong_scalar(shape, text, path)


def wrong_xml(shape, element, path):
    if shape.type_name != "structure":
        yield from wrong_text(shape, element.text or "", path)
        return
    names = {}
    for name, member in shape.members.items():
        if member.serialization.get("location"):
            continue
        flat = member.type_name == "list" and member.serialization.get("flattened")
        inner = member.member.serialization.get("name") if flat else None
        names[member.serialization.get("name") or inner or name] = member
    there = {child.tag.split("}")[-1] for child in element}
    for name, member in names.items():
        if name not in there and any(shape.members[m] is member for m in shape.required_members):
            yield f"{path}.{name}: required, missing"
    for child in element:
        name = child.tag.split("}")[-1]
        member = names.get(name)
        if member is None:
            yield f"{path}.{name}: no such element"
        elif member.type_name != "list":
            yield from wrong_xml(member, child, f"{path}.{name}")
        elif member.serialization.get("flattened"):
            yield from wrong_xml(member.member, child, f"{path}.{name}")
        else:
            for item in child:
                wanted = member.member.serialization.get("name", "member")
                if item.tag.split("}")[-1] != wanted:
                    yield f"{path}.{name}.{item.tag}: expected {wanted}"
                yield from wrong_xml(member.member, item, f"{path}.{name}[]")


def wrong_headers(shape, headers, path):
    for name, member in shape.members.items():
        where = member.serialization
        if where.get("location") == "header" and where.get("name") in headers and member.type_name != "map":
            yield from wrong_text(member, headers[where["name"]], f"{path}.{name}")


def wrong_answer():
    operation, response = seen.get("operation"), seen.get("response")
    if operation is None or response is None or response["status_code"] >= 300:
        return []
    shape = operation.output_shape
    if shape is None:
        return []
    path, body = operation.name, response["body"]
    if operation.service_model.metadata["protocol"] != "rest-xml":
        return list(wrong_json(shape, json.loads(body or b"{}"), path))
    found = list(wrong_headers(shape, response["headers"], path))
    payload = shape.serialization.get("payload")
    if payload is None and body:
        found += wrong_xml(shape, tree.fromstring(body), path)
    return found


def named_by_operation(service, name, error):
    """Whether the model says of the operation that it can fail so; None: the service has no such error."""
    model = service.meta.service_model
    if error not in [shape.name for shape in model.error_shapes]:
        return None
    return error in [shape.name for shape in model.operation_model(name).error_shapes]


def call(asked):
    seen.clear()
    service = client(asked["service"])
    try:
        name = asked["operation"]
        made = service._make_api_call(name, binary(asked["input"]))
        output = plain(made)
        return {"ok": True, "status": made["ResponseMetadata"]["HTTPStatusCode"], "output": output, "wrong": wrong_answer()}
    except ClientError as error:
        said = error.response.get("Error", {})
        return {
            "ok": False,
            "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
            "code": said.get("Code"),
            "name": type(error).__name__,
            "message": said.get("Message"),
            "modelled": type(error) is not ClientError,
            "of_operation": named_by_operation(service, name, type(error).__name__),
            "wrong": [],
        }
    except Exception as error:  # what the client itself refuses, or cannot read
        return {"ok": False, "status": 0, "code": None, "name": type(error).__name__, "message": str(error), "modelled": False, "wrong": []}


for line in sys.stdin:
    print(json.dumps(call(json.loads(line)), default=str), flush=True)
