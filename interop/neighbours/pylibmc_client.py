"""pylibmc, which is libmemcached, as a neighbour; a profile is a set of its behaviors."""
import exchange
import pylibmc

BEHAVIORS = {
    "default": {},
    "ketama": {"ketama": True},
    "ketama_weighted": {"ketama_weighted": True},
    "hash-crc": {"hash": "crc"},
    "hash-md5+ketama": {"hash": "md5", "ketama": True},
}


def connect(task):
    servers = ["%s:%d:%d" % tuple(server) for server in task["servers"]]
    client = pylibmc.Client(servers, behaviors=BEHAVIORS[task["profile"]])

    def store(key, value):
        return client.set(key, value, min_compress_len=0 if task.get("mode") == "default" else 1000)

    return store, client.get


exchange.run(pylibmc.__version__, connect)
