-- redis-lua: values, pipelines, transactions with WATCH, scripts, scans and Pub/Sub.
local redis = require("redis")
local port = tonumber(arg[1])

local function connected()
  return redis.connect("127.0.0.1", port)
end

local client = connected()
client:flushall()

local function values()
  assert(client:set("k", "v") and client:get("k") == "v" and client:get("none") == nil)
  assert(client:incrby("n", 5) == 5 and client:exists("k") and client:type("k") == "string")
  client:hmset("h", { a = 1, b = 2 })
  assert(client:hgetall("h").b == "2" and client:hexists("h", "a"))
  client:rpush("l", "x", "y")
  assert(table.concat(client:lrange("l", 0, -1), ",") == "x,y")
  client:zadd("z", 1, "a")
  assert(client:zscore("z", "a") == "1" or tonumber(client:zscore("z", "a")) == 1)
  local held, problem = pcall(client.lpush, client, "k", 1)
  assert(not held and problem:find("WRONGTYPE"))
  assert(client:info().server.redis_version)
end

local function pipelines()
  local replies, count = client:pipeline(function(pipe)
    for _ = 1, 500 do pipe:incr("many") end
  end)
  assert(count == 500 and replies[500] == 500)
end

local function transactions()
  local replies = client:transaction({ cas = true, watch = "many", retry = 2 }, function(transaction)
    local many = transaction:get("many")
    transaction:multi()
    transaction:set("copy", many)
  end)
  assert(replies[1] == true and client:get("copy") == "500")
end

local function scripts()
  assert(client:eval("return ARGV[1] .. KEYS[1]", 1, "k", "x") == "xk")
end

local function publishing()
  local listener = connected()
  local heard
  for message, abort in listener:pubsub({ subscribe = { "news" } }) do
    if message.kind == "subscribe" then
      assert(client:publish("news", "hello") == 1)
    elseif message.kind == "message" then
      heard = message.payload
      abort()
    end
  end
  assert(heard == "hello")
end

local steps = { values, pipelines, transactions, scripts, publishing }
for number, step in ipairs(steps) do
  step()
  print("ok step " .. number)
end
print("done")
