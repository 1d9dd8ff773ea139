"""What the Python neighbours have in common: a task comes as JSON on stdin, and the result goes as JSON to stdout.

Task: {"servers": [[host, port, weight]], "profile": "...", "mode": "...", "prefix": "...", "write": [{"key", "value"}],
"read": [key]}. The profile says how keys are placed and the mode, which may be missing, how values are stored. The prefix
is the client's own setting, "" for none. A key is a text, or [hash, text] where the client knows such keys. A value is
{"text": ...}, {"bytes": base64}, {"integer": digits}, {"float": text}, {"boolean": ...}, {"null": true}, {"json": ...}, or
{"object": ...} for something that only the client's own serializer can write.
Result: {"version": "...", "stored": [true], "found": [value or null]}.
"""
import base64
import json
import sys


def key_of(key):
    return (int(key[0]), key[1]) if isinstance(key, list) else key


def value_of(value):
    for kind in ("text", "boolean", "object"):
        if kind in value:
            return value[kind]
    return int(value["integer"]) if "integer" in value else base64.b64decode(value["bytes"])


def describe(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return {"boolean": value}
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode("ascii")}
    if type(value) is int:
        return {"integer": str(value)}
    return {"other": repr(value)}


def run(version, connect):
    """`connect` takes the task and answers two functions: one that stores a value, and one that reads it."""
    task = json.load(sys.stdin)
    store, read = connect(task)
    stored = [bool(store(key_of(item["key"]), value_of(item["value"]))) for item in task["write"]]
    found = [describe(read(key_of(key))) for key in task["read"]]
    json.dump({"version": version, "stored": stored, "found": found}, sys.stdout)
