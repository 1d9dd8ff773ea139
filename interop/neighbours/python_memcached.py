"""python-memcached as a neighbour."""
from importlib.metadata import version

import exchange
import memcache


def connect(task):
    servers = [("%s:%d" % (host, port), weight) for host, port, weight in task["servers"]]
    client = memcache.Client(servers)

    def store(key, value):
        return client.set(key, value, min_compress_len=0 if task.get("mode") == "default" else 1000)

    return store, client.get


exchange.run(version("python-memcached"), connect)
