"""Sends what AWS's model forbids, and says what came of it.

Of each operation (standard input: {"sqs": {"operations": […], "given": {…}}, …}) one request is made from botocore's
service model with every required member, `given` naming what exists, for all operations or under the name of one; then
each member of it, and each optional one beside it, is left out, made null, of another type, too short, too long, too
small, too large or none of its enum, one at a time. Answers with a list of {"call", "what", "status", "code"}.
"""

import copy
import json
import sys
import urllib.error
import urllib.request

import botocore.session

url, asked = sys.argv[1], json.load(sys.stdin)
session = botocore.session.get_session()

# Longer ones would be refused for the size of the request alone.
MOST_TEXT, MOST_ITEMS = 70_000, 2_000
# Members of members of members: below that, Glue's jobs and Firehose's destinations have thousands that nobody reads.
DEEPEST = 3
GONE = object()


def send(model, operation, body):
    request = urllib.request.Request(
        url,
        data=json.dumps(body).encode(),
        headers={
            "content-type": f"application/x-amz-json-{model.metadata['jsonVersion']}",
            "x-amz-target": f"{model.metadata['targetPrefix']}.{operation}",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()
            return answer.status, None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read()).get("__type", "").split("#")[-1]


def allowed(shape, given, name=None, depth=0):
    """A value that the model allows; `given` has those of members that name what exists."""
    if name in given:
        return given[name]
    kind, limits = shape.type_name, shape.metadata
    if kind == "structure":
        return {m: allowed(shape.members[m], given, m, depth + 1) for m in shape.required_members} if depth < 6 else {}
    if kind == "list":
        return [allowed(shape.member, given, None, depth + 1)]
    if kind == "map":
        return {"key": allowed(shape.value, given, None, depth + 1)}
    if kind == "string":
        return (getattr(shape, "enum", None) or ["x" * max(1, limits.get("min", 1))])[0]
    return {"boolean": True, "timestamp": 1_700_000_000, "blob": "eA=="}.get(kind, max(1, limits.get("min", 1)))


def forbidden(shape):
    """Values that the model forbids for a member, and why."""
    kind, limits = shape.type_name, shape.metadata
    yield "null", None
    yield "another type", 5 if kind in ("string", "blob", "boolean", "list", "map", "structure") else "x"
    if kind == "string":
        if limits.get("min", 0) >= 1:
            yield "too short", ""
        if limits.get("max", MOST_TEXT) < MOST_TEXT:
            yield "too long", "x" * (limits["max"] + 1)
        if getattr(shape, "enum", None):
            yield "not of the enum", "NONE_OF_THEM"
    if kind in ("integer", "long"):
        yield "a fraction", 1.5
        if "min" in limits:
            yield "too small", limits["min"] - 1
        if "max" in limits:
            yield "too large", limits["max"] + 1
    if kind == "list":
        if limits.get("min", 0) >= 1:
            yield "too short", []
        if limits.get("max", MOST_ITEMS) < MOST_ITEMS:
            yield "too long", [allowed(shape.member, {})] * (limits["max"] + 1)


def changed(base, path, value):
    copied = copy.deepcopy(base)
    at = copied
    for step in path[:-1]:
        at = at[step]
    if value is GONE:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return copied


def found(base, path):
    for step in path:
        base = base[step]
    return base


def requests(shape, base, given, path=()):
    """Every request that is forbidden in one place below `path`."""
    if path:
        for why, value in forbidden(shape):
            yield f"{'.'.join(map(str, path))}: {why}", changed(base, path, value)
    if len(path) > DEEPEST:
        return
    if shape.type_name == "list":
        yield from requests(shape.member, base, given, (*path, 0))
    if shape.type_name != "structure" or not isinstance(found(base, path), dict):
        return
    for name, member in shape.members.items():
        below = (*path, name)
        if name in shape.required_members:
            yield f"{'.'.join(map(str, below))}: missing", changed(base, below, GONE)
            yield from requests(member, base, given, below)
        elif len(path) < 2:
            yield from requests(member, changed(base, below, allowed(member, given, name)), given, below)


# By the names of botocore, where they are others than the services' own.
NAMES = {"cloudwatchlogs": "logs"}

answers = []
for name, service in asked.items():
    model = session.get_service_model(NAMES.get(name, name))
    for operation in service["operations"]:
        shape = model.operation_model(operation).input_shape
        given = {**service["given"], **service["given"].get(operation, {})}
        cases = [("nothing", {})]
        if shape is not None:
            cases += requests(shape, allowed(shape, given), given)
        for what, body in cases:
            status, code = send(model, operation, body)
            answers.append({"call": f"{name}.{operation}", "what": what, "status": status, "code": code})
json.dump(answers, sys.stdout)
