<?php
// php-memcached (libmemcached): values, batches, counters, CAS, delayed reads, options, two servers, sessions.
$servers = array_map(fn ($port) => ['127.0.0.1', (int) $port], array_slice($argv, 1));

function client(array $options = []): Memcached
{
    $client = new Memcached();
    $client->setOptions($options);
    $client->addServers($GLOBALS['servers']);
    return $client;
}

function values(): void
{
    $client = client();
    foreach (['text', 17, 1.5, true, false, null, ['deep' => [1, 2]], str_repeat('x', 900000), ''] as $value) {
        assert($client->set('k', $value) && $client->get('k') === $value);
    }
    $client->setOption(Memcached::OPT_COMPRESSION, false);
    assert($client->set('t', 'b', 100) && !$client->add('t', 1) && $client->getResultCode() === Memcached::RES_NOTSTORED);
    assert($client->append('t', 'c') && $client->prepend('t', 'a') && $client->get('t') === 'abc');
    assert($client->replace('t', 'z') && $client->touch('t', 50) && $client->delete('t') && $client->get('t') === false);
    assert($client->getResultCode() === Memcached::RES_NOTFOUND);
    assert(!$client->set('big', random_bytes(1200000)) && $client->getResultCode() === Memcached::RES_E2BIG);
    $client->set('k', 'v', -1);
    assert($client->get('k') === false);
}

function batches(): void
{
    $client = client();
    $many = [];
    for ($n = 0; $n < 500; ++$n) {
        $many["k$n"] = "v$n";
    }
    assert($client->setMulti($many) && $client->getMulti(array_keys($many), Memcached::GET_PRESERVE_ORDER) === $many);
    assert($client->getDelayed(['k1', 'k2'], true) && count($client->fetchAll()) === 2);
    assert(count(array_filter($client->deleteMulti(['k1', 'k2', 'none']), fn ($done) => $done === true)) === 2);
}

function counters(): void
{
    $client = client();
    $client->set('n', 10);
    assert($client->increment('n', 5) === 15 && $client->decrement('n', 20) === 0);
    assert($client->increment('absent') === false && $client->getResultCode() === Memcached::RES_NOTFOUND);
}

function compare_and_set(): void
{
    [$first, $second] = [client(), client()];
    $first->set('k', 'old');
    $seen = $first->get('k', null, Memcached::GET_EXTENDED);
    assert($seen['value'] === 'old' && $second->set('k', 'new') && !$first->cas($seen['cas'], 'k', 'mine'));
    assert($first->getResultCode() === Memcached::RES_DATA_EXISTS);
    $seen = $first->get('k', null, Memcached::GET_EXTENDED);
    assert($first->cas($seen['cas'], 'k', 'mine') && $second->get('k') === 'mine');
    assert($first->get('made', function ($client, $key, &$value) { $value = 'up'; return true; }) === 'up');
    assert($second->get('made') === 'up');
}

function options(): void
{
    foreach ([Memcached::OPT_NO_BLOCK, Memcached::OPT_TCP_NODELAY, Memcached::OPT_BUFFER_WRITES,
              Memcached::OPT_LIBKETAMA_COMPATIBLE, Memcached::OPT_NOREPLY] as $option) {
        $client = client([$option => true]);
        for ($n = 0; $n < 200; ++$n) {
            $client->set("o$n", $n);
        }
        $client->flushBuffers();
        $reader = client($option === Memcached::OPT_LIBKETAMA_COMPATIBLE ? [$option => true] : []);
        assert(count($reader->getMulti(array_map(fn ($n) => "o$n", range(0, 199)))) === 200);
    }
}

function servers_tell_of_themselves(): void
{
    $client = client();
    foreach ($client->getStats() as $stats) {
        assert($stats['pid'] > 0 && $stats['version'] === '1.6.18');
    }
    assert(count($client->getVersion()) === count($GLOBALS['servers']));
    assert($client->flush() && $client->get('o1') === false);
}

function sessions(): void
{
    $where = implode(',', array_map(fn ($server) => "$server[0]:$server[1]", $GLOBALS['servers']));
    ini_set('session.save_handler', 'memcached');
    ini_set('session.save_path', $where);
    ini_set('session.use_cookies', '0');
    ini_set('session.cache_limiter', '');
    for ($n = 1; $n <= 20; ++$n) {
        session_id('abc123');
        assert(session_start());
        $_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
        assert($_SESSION['visits'] === $n && session_write_close());
    }
    session_id('abc123');
    session_start();
    session_destroy();
}

ob_start(null, 0);
$told = '';
foreach (['values', 'batches', 'counters', 'compare_and_set', 'options', 'servers_tell_of_themselves', 'sessions'] as $step) {
    $step();
    $told .= "ok $step\n";
}
ob_end_clean();
echo $told, "done\n";
