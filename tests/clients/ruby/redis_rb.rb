# ruby-redis: values, futures, transactions with WATCH, scans, streams, scripts, Pub/Sub and threads.
require "redis"

PORT = Integer(ARGV[0])
REDIS = Redis.new(host: "127.0.0.1", port: PORT, timeout: 20)

def check(holds, what = caller(1..1).first)
  raise "does not hold: #{what}" unless holds
end

def values
  check REDIS.set("k", "v", ex: 100, nx: true) == true && REDIS.set("k", "w", nx: true) == false
  check REDIS.mget("k", "none") == ["v", nil] && REDIS.ttl("k") > 90
  check REDIS.mapped_hmset("h", "a" => "1", "b" => "2") == "OK" && REDIS.hgetall("h") == { "a" => "1", "b" => "2" }
  check REDIS.rpush("l", %w[x y]) == 2 && REDIS.lmove("l", "m", "LEFT", "RIGHT") == "x"
  check REDIS.zadd("z", [[1, "a"], [2.5, "b"]]) == 2 && REDIS.zrange("z", 0, -1, with_scores: true) == [["a", 1.0], ["b", 2.5]]
  check REDIS.zadd("z", Float::INFINITY, "c") == true && REDIS.zscore("z", "c") == Float::INFINITY
  check REDIS.info("commandstats").key?("set") && REDIS.config(:get, "maxmemory") == { "maxmemory" => "0" }
end

def transactions
  future = nil
  check REDIS.pipelined { |pipe| pipe.set("a", 1); future = pipe.incr("a") } == ["OK", 2]
  check future.value == 2
  other = REDIS.dup
  refused = REDIS.watch("a") do |watching|
    other.set("a", 9)
    watching.multi { |inside| inside.set("a", 10) }
  end
  check refused.nil? && REDIS.get("a") == "9"
  check REDIS.multi { |inside| inside.incr("a"); inside.get("a") } == [10, "10"]
end

def scans
  REDIS.mapped_mset((1..500).to_h { |n| ["scan:#{n}", n] })
  check REDIS.scan_each(match: "scan:*", count: 50).to_a.uniq.size == 500
  REDIS.sadd("s", (1..1000).to_a)
  check REDIS.sscan_each("s").to_a.uniq.size == 1000
end

def streams
  id = REDIS.xadd("log", { "f" => "v" })
  REDIS.xgroup(:create, "log", "group", "0")
  check REDIS.xreadgroup("group", "one", "log", ">") == { "log" => [[id, { "f" => "v" }]] }
  check REDIS.xpending("log", "group")["size"] == 1 && REDIS.xack("log", "group", id) == 1
end

def scripts
  sha = REDIS.script(:load, "return {KEYS[1], ARGV[1]}")
  check REDIS.evalsha(sha, keys: ["k"], argv: ["x"]) == %w[k x]
  check REDIS.script(:exists, [sha, "0" * 40]) == [true, false]
end

def publishing
  heard = []
  Redis.new(host: "127.0.0.1", port: PORT).subscribe("news") do |on|
    on.subscribe { Thread.new { REDIS.publish("news", "hello") } }
    on.message { |_, text| heard << text; raise StopIteration }
  end
rescue StopIteration
  check heard == ["hello"]
end

def threads
  (1..8).map { Thread.new { 100.times { REDIS.incr("shared") } } }.each(&:join)
  check REDIS.get("shared") == "800"
end

%i[values transactions scans streams scripts publishing threads].each do |step|
  send(step)
  puts "ok #{step}"
end
puts "done"
