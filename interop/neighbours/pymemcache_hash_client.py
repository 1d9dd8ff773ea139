"""pymemcache's HashClient as a neighbour; with the profile "bytes" its keys are bytes, which places them otherwise."""
import exchange
import pymemcache
from pymemcache.client.hash import HashClient
from pymemcache.serde import pickle_serde


def connect(task):
    servers = [(host, port) for host, port, _ in task["servers"]]
    client = HashClient(
        servers,
        serde=None if task.get("mode") == "no-serde" else pickle_serde,
        key_prefix=task["prefix"].encode("utf-8"),
        allow_unicode_keys=True,
        encoding="utf-8",
    )

    def as_given(key):
        return key.encode("utf-8") if task["profile"] == "bytes" else key

    def store(key, value):
        return client.set(as_given(key), value, noreply=False)

    def read(key):
        return client.get(as_given(key))

    return store, read


exchange.run(pymemcache.__version__, connect)
