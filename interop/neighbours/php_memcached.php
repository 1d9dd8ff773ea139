<?php
// php-memcached, which is libmemcached, as a neighbour: see exchange.py for what comes and goes. PHP's strings are bytes.
$input = stream_get_contents(STDIN);
$task = json_decode($input, true, 512, JSON_THROW_ON_ERROR);
// As objects, so that an empty one does not become an empty array.
$objects = json_decode($input);

$options = [
    'default' => [],
    'distribution-consistent' => [Memcached::OPT_DISTRIBUTION => Memcached::DISTRIBUTION_CONSISTENT],
    // As PHP's session handler does it. Only in the binary protocol may a key have bytes beyond ASCII.
    'libketama-compatible' => [Memcached::OPT_LIBKETAMA_COMPATIBLE => true, Memcached::OPT_BINARY_PROTOCOL => true],
];
$client = new Memcached();
$client->setOptions($options[$task['profile']]);
[$serializer, $compression] = explode(',', ($task['mode'] ?? 'php') . ',fastlz');
$client->setOptions([
    Memcached::OPT_SERIALIZER => [
        'php' => Memcached::SERIALIZER_PHP,
        'json' => Memcached::SERIALIZER_JSON,
        'igbinary' => Memcached::SERIALIZER_IGBINARY,
        'msgpack' => Memcached::SERIALIZER_MSGPACK,
    ][$serializer],
    Memcached::OPT_COMPRESSION => $compression !== 'off',
    Memcached::OPT_COMPRESSION_TYPE => $compression === 'zlib' ? Memcached::COMPRESSION_ZLIB : Memcached::COMPRESSION_FASTLZ,
]);
if ($task['prefix'] !== '') {
    $client->setOption(Memcached::OPT_PREFIX_KEY, $task['prefix']);
}
$client->addServers($task['servers']);

$valueOf = function (array $value) {
    $kind = array_key_first($value);
    return match ($kind) {
        'integer' => (int) $value[$kind],
        'float' => match ($value[$kind]) {
            'Infinity' => INF,
            '-Infinity' => -INF,
            'NaN' => NAN,
            default => (float) $value[$kind],
        },
        'bytes' => base64_decode($value[$kind], true),
        'null' => null,
        default => $value[$kind],
    };
};

$describe = fn ($value) => match (true) {
    is_int($value) => ['integer' => (string) $value],
    is_float($value) => ['float' => is_finite($value) ? var_export($value, true) : (string) $value],
    is_bool($value) => ['boolean' => $value],
    is_string($value) => ['bytes' => base64_encode($value)],
    $value === null => ['null' => true],
    is_array($value), $value instanceof stdClass => ['json' => $value],
    default => ['other' => get_debug_type($value)],
};

$stored = [];
foreach ($task['write'] as $i => $item) {
    $stored[] = $client->set($item['key'], $objects->write[$i]->value->json ?? $valueOf($item['value']));
}
$found = [];
foreach ($task['read'] as $key) {
    $value = $client->get($key);
    $found[] = $client->getResultCode() === Memcached::RES_SUCCESS ? $describe($value) : null;
}
echo json_encode(['version' => phpversion('memcached'), 'stored' => $stored, 'found' => $found]);
