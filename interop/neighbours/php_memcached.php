<?php
// php-memcached, which is libmemcached, as a neighbour: see exchange.py for what comes and goes. PHP's strings are bytes.
$task = json_decode(stream_get_contents(STDIN), true, 512, JSON_THROW_ON_ERROR);

$options = [
    'default' => [],
    'distribution-consistent' => [Memcached::OPT_DISTRIBUTION => Memcached::DISTRIBUTION_CONSISTENT],
    // As PHP's session handler does it. Only in the binary protocol may a key have bytes beyond ASCII.
    'libketama-compatible' => [Memcached::OPT_LIBKETAMA_COMPATIBLE => true, Memcached::OPT_BINARY_PROTOCOL => true],
];
$client = new Memcached();
// Compressed is PHP's own format.
$client->setOption(Memcached::OPT_COMPRESSION, false);
$client->setOptions($options[$task['profile']]);
if ($task['prefix'] !== '') {
    $client->setOption(Memcached::OPT_PREFIX_KEY, $task['prefix']);
}
$client->addServers($task['servers']);

$valueOf = function (array $value) {
    if (isset($value['integer'])) {
        return (int) $value['integer'];
    }
    return $value['object'] ?? $value['text'] ?? base64_decode($value['bytes'], true);
};

$describe = function ($value) {
    return is_int($value) ? ['integer' => (string) $value]
        : (is_string($value) ? ['bytes' => base64_encode($value)] : ['other' => get_debug_type($value)]);
};

$stored = [];
foreach ($task['write'] as $item) {
    $stored[] = $client->set($item['key'], $valueOf($item['value']));
}
$found = [];
foreach ($task['read'] as $key) {
    $value = $client->get($key);
    $found[] = $client->getResultCode() === Memcached::RES_SUCCESS ? $describe($value) : null;
}
echo json_encode(['version' => phpversion('memcached'), 'stored' => $stored, 'found' => $found]);
