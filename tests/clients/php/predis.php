<?php
// Predis: values, pipelines, optimistic transactions, scripts, iterators, Pub/Sub, and sessions.
error_reporting(E_ALL & ~E_DEPRECATED);
require 'Predis/autoload.php';

$where = ['host' => '127.0.0.1', 'port' => (int) $argv[1], 'read_write_timeout' => 20];
$redis = new Predis\Client($where);

function values(Predis\Client $redis): void
{
    assert((string) $redis->set('k', 'v', 'EX', 100, 'NX') === 'OK' && $redis->set('k', 'w', 'NX') === null);
    assert($redis->mget('k', 'none') === ['v', null] && $redis->incrby('n', 5) === 5);
    assert($redis->hmset('h', ['a' => 1]) == 'OK' && $redis->hgetall('h') === ['a' => '1']);
    assert($redis->zadd('z', ['a' => 1, 'b' => 2.5]) === 2);
    assert($redis->zrange('z', 0, -1, 'WITHSCORES') == ['a' => '1', 'b' => '2.5']);
    assert(isset($redis->info()['Server']['redis_version']) && $redis->config('GET', 'maxmemory-policy'));
}

function pipelines(Predis\Client $redis): void
{
    $replies = $redis->pipeline(function ($pipe) {
        for ($n = 0; $n < 1000; ++$n) {
            $pipe->incr('many');
        }
    });
    assert($replies === range(1, 1000));
    $done = $redis->transaction(['watch' => 'many', 'cas' => true, 'retry' => 3], function ($transaction) {
        $count = $transaction->get('many');
        $transaction->multi();
        $transaction->set('copy', $count);
    });
    assert((string) $done[0] === 'OK' && $redis->get('copy') === '1000');
    try {
        $redis->lpush('copy', 1);
        assert(false);
    } catch (Predis\Response\ServerException $error) {
        assert($error->getErrorType() === 'WRONGTYPE');
    }
}

function scripts(Predis\Client $redis): void
{
    $script = 'return {KEYS[1], ARGV[1]}';
    $sha = $redis->script('LOAD', $script);
    assert($sha === sha1($script) && $redis->evalsha($sha, 1, 'k', 'x') === ['k', 'x']);
}

function iterators(Predis\Client $redis): void
{
    $redis->hmset('big', array_combine(array_map(fn ($n) => "f$n", range(1, 700)), range(1, 700)));
    assert(count(iterator_to_array(new Predis\Collection\Iterator\HashKey($redis, 'big'))) === 700);
    $keys = iterator_to_array(new Predis\Collection\Iterator\Keyspace($redis, '*', 10), false);
    assert(in_array('big', $keys, true) && count(array_unique($keys)) === $redis->dbsize());
}

function publishing(Predis\Client $redis): void
{
    $listener = new Predis\Client($GLOBALS['where']);
    $heard = [];
    $loop = $listener->pubSubLoop();
    $loop->subscribe('news');
    foreach ($loop as $message) {
        if ($message->kind === 'subscribe') {
            assert($redis->publish('news', 'hello') === 1);
        } elseif ($message->kind === 'message') {
            $heard[] = $message->payload;
            $loop->unsubscribe('news');
        }
    }
    assert($heard === ['hello']);
}

function sessions(Predis\Client $redis): void
{
    $handler = new Predis\Session\Handler(new Predis\Client($GLOBALS['where'], ['prefix' => 's:']),
        ['gc_maxlifetime' => 100]);
    assert($handler->write('id', 'user|i:42;') && $handler->read('id') === 'user|i:42;');
    assert($redis->ttl('s:id') > 90 && $handler->destroy('id') && $handler->read('id') === '');
}

foreach (['values', 'pipelines', 'scripts', 'iterators', 'publishing', 'sessions'] as $step) {
    $step($redis);
    echo "ok $step\n";
}
echo "done\n";
