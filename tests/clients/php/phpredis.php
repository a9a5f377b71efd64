<?php
// The php-redis extension: values, pipelines, transactions, scans, streams, serializers, and sessions with locking.
[$host, $port] = ['127.0.0.1', (int) $argv[1]];
$redis = new Redis();
$redis->connect($host, $port, 10);

// A page of a site: one more visit to the session of $argv[2].
if (($argv[2] ?? '') !== '') {
    ini_set('session.save_handler', 'redis');
    ini_set('session.save_path', "tcp://$host:$port?prefix=session:");
    ini_set('session.use_cookies', '0');
    ini_set('session.cache_limiter', '');
    ini_set('redis.session.locking_enabled', '1');
    ini_set('redis.session.lock_wait_time', '2000');
    ini_set('redis.session.lock_retries', '-1');
    session_id($argv[2]);
    session_start();
    $_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
    usleep(2000);
    session_write_close();
    exit(0);
}

function values(Redis $redis): void
{
    assert($redis->set('k', 'v', ['nx', 'ex' => 100]) === true && $redis->set('k', 'w', ['nx']) === false);
    assert($redis->mget(['k', 'none']) === ['v', false] && $redis->ttl('k') > 90);
    assert($redis->incrByFloat('f', 1.5) === 1.5 && $redis->append('k', '!') === 2);
    assert($redis->hMSet('h', ['a' => 1, 'b' => 2]) && $redis->hGetAll('h') === ['a' => '1', 'b' => '2']);
    assert($redis->rPush('l', 'x', 'y') === 2 && $redis->lRange('l', 0, -1) === ['x', 'y']);
    assert($redis->blPop(['none', 'l'], 1) === ['l', 'x']);
    assert($redis->zAdd('z', 1, 'a', 2.5, 'b') === 2 && $redis->zRange('z', 0, -1, true) === ['a' => 1.0, 'b' => 2.5]);
    assert($redis->geoAdd('g', 13.361389, 38.115556, 'Palermo') === 1 && count($redis->geoPos('g', 'Palermo')) === 1);
    assert($redis->object('encoding', 'h') === 'listpack' && isset($redis->info()['redis_version']));
}

function pipelines(Redis $redis): void
{
    assert($redis->multi()->set('a', 1)->incr('a')->get('a')->exec() === [true, 2, '2']);
    assert($redis->multi(Redis::PIPELINE)->incr('p')->incr('p')->exec() === [1, 2]);
    assert($redis->eval('return {KEYS[1], ARGV[1]}', ['k', 'x'], 1) === ['k', 'x']);
    $redis->watch('a');
    assert($redis->multi()->exec() === []);
}

function scans(Redis $redis): void
{
    $redis->mset(array_combine(array_map(fn ($n) => "scan:$n", range(1, 500)), range(1, 500)));
    $redis->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
    for ($seen = [], $cursor = null; ($keys = $redis->scan($cursor, 'scan:*', 50)) !== false;) {
        $seen += array_flip($keys);
    }
    assert(count($seen) === 500);
}

function streams(Redis $redis): void
{
    $id = $redis->xAdd('log', '*', ['f' => 'v']);
    assert($redis->xGroup('CREATE', 'log', 'group', '0'));
    assert($redis->xReadGroup('group', 'one', ['log' => '>']) === ['log' => [$id => ['f' => 'v']]]);
    assert($redis->xAck('log', 'group', [$id]) === 1 && $redis->xLen('log') === 1);
}

function serializers(Redis $redis): void
{
    foreach ([Redis::SERIALIZER_PHP, Redis::SERIALIZER_JSON] as $serializer) {
        $redis->setOption(Redis::OPT_SERIALIZER, $serializer);
        $redis->setOption(Redis::OPT_PREFIX, "s$serializer:");
        $redis->set('o', ['deep' => [1, null, 2.5]]);
        assert($redis->get('o') === ['deep' => [1, null, 2.5]] && $redis->keys('*') === ["s$serializer:o"]);
    }
    $redis->setOption(Redis::OPT_SERIALIZER, Redis::SERIALIZER_NONE);
    $redis->setOption(Redis::OPT_PREFIX, '');
}

// Twenty pages of one session at once: none of the visits is lost.
function lockedSessions(Redis $redis): void
{
    $pages = [];
    for ($n = 0; $n < 20; ++$n) {
        $pages[] = proc_open([PHP_BINARY, __FILE__, $GLOBALS['argv'][1], 'visitor'], [], $pipes);
    }
    foreach ($pages as $page) {
        assert(proc_close($page) === 0);
    }
    assert($redis->get('session:visitor') === 'visits|i:20;');
    assert($redis->keys('*LOCK*') === []);
}

foreach (['values', 'pipelines', 'scans', 'streams', 'serializers', 'lockedSessions'] as $step) {
    $step($redis);
    echo "ok $step\n";
}
echo "done\n";
