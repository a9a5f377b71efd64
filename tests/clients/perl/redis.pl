# Perl's Redis and Redis::Fast: values, pipelines, transactions, errors and Pub/Sub.
use strict;
use warnings;
use Redis;
use Redis::Fast;

my $port = $ARGV[0];

sub check {
  my ($holds, $what) = @_;
  die "does not hold: $what" unless $holds;
}

sub story {
  my ($class) = @_;
  my $redis = $class->new(server => "127.0.0.1:$port");
  $redis->flushall;
  check($redis->set(k => 'v') eq 'OK' && $redis->get('k') eq 'v' && !defined $redis->get('none'), 'values');
  check(join(',', $redis->rpush(l => 1 .. 5), $redis->lrange(l => 0, -1)) eq '5,1,2,3,4,5', 'lists');
  $redis->hmset(h => a => 1, b => 2);
  my %hash = $redis->hgetall('h');
  check($hash{a} == 1 && $hash{b} == 2, 'hashes');

  my $sum = 0;
  $redis->incr('n', sub { $sum += $_[0] }) for 1 .. 1000;
  $redis->wait_all_responses;
  check($sum == 500500, 'pipelines');

  $redis->multi;
  $redis->incr('n');
  $redis->get('n');
  check(join(',', $redis->exec) eq '1001,1001', 'transactions');
  eval { $redis->lpush(k => 1) };
  check($@ =~ /WRONGTYPE/, 'errors');
  check($redis->info->{redis_version} =~ /^\d/, 'INFO');

  my $listener = $class->new(server => "127.0.0.1:$port");
  my @heard;
  $listener->subscribe('news', sub { push @heard, $_[0] });
  check($redis->publish(news => 'hello') == 1, 'PUBLISH');
  $listener->wait_for_messages(1) until @heard;
  check($heard[0] eq 'hello', 'messages');
}

for my $class ('Redis', 'Redis::Fast') {
  story($class);
  print "ok $class\n";
}
print "done\n";
