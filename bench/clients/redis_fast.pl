# Appends through Redis::Fast, which is hiredis in Perl, until it is ended; see bench/failover.py.
use strict;
use warnings;
use Redis::Fast;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC usleep);

$| = 1;
my ($mode, $host, $port, $name, $key) = @ARGV;
my %limits = (cnx_timeout => 1, read_timeout => 1, write_timeout => 1, reconnect => 0);
my %where = $mode eq 'sentinel'
    ? (sentinels => ["$host:$port"], service => $name, sentinels_cnx_timeout => 1, sentinels_read_timeout => 1)
    : (server => "$host:$port");

sub now_ns { return int(clock_gettime(CLOCK_MONOTONIC) * 1e9) }

my ($client, $number) = (undef, 0);
while (1) {
    $number++;
    my $start = now_ns();
    my $outcome = 'ok';
    eval {
        $client ||= Redis::Fast->new(%where, %limits);
        $client->rpush($key, $number);
        1;
    } or do {
        $outcome = $@ =~ /READONLY|NOREPLICAS|LOADING|MASTERDOWN/ ? 'fail' : 'unknown';
        undef $client;
    };
    printf qq({"client": "%s", "op": "append", "key": "%s", "value": "%d", "start_ns": %d, "end_ns": %d, ) .
        qq("outcome": "%s"}\n), $key, $key, $number, $start, now_ns(), $outcome;
    usleep($outcome eq 'ok' ? 1000 : 20_000);
}
