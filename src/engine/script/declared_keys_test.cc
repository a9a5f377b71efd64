#include "engine/script/declared_keys.h"

#include <gtest/gtest.h>

#include <array>

#include "engine/commands/groups.h"

namespace kiln {
namespace {

const CommandTable& Commands() {
  static const std::array<std::span<const Command>, 12> kGroups = {
      StringCommands(),         StringNumberCommands(),
      HashCommands(),           SetCommands(),
      SortedSetCommands(),      KeyCommands(),
      SortedSetRangeCommands(), SortedSetCombineCommands(),
      SortCommands(),           ScanCommands(),
      ScriptingCommands(),      BitmapCommands()};
  static const CommandTable kTable(kGroups, CommandTable::Case::kAny);
  return kTable;
}

bool Keeps(std::string_view code) {
  return KeepsToDeclaredKeys(code, Commands());
}

TEST(DeclaredKeys, CommandsOnKeysByIndexKeepToThem) {
  EXPECT_TRUE(Keeps("redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])"));
  EXPECT_TRUE(Keeps("return redis.pcall(\"incrby\", KEYS[ARGV[1] + 1], 5)"));
  EXPECT_TRUE(
      Keeps("if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) "
            "else return 0 end"));
  EXPECT_TRUE(Keeps("return {redis.call('MGET', KEYS[1], KEYS[2]), 'x'}"));
  EXPECT_TRUE(Keeps("return redis.call('HSET', KEYS[1], unpack(ARGV))"));
}

TEST(DeclaredKeys, LocalNamesOfKeysAreKeys) {
  EXPECT_TRUE(
      Keeps("local key = KEYS[1]\nlocal n = tonumber(ARGV[1])\n"
            "redis.call('ZREMRANGEBYSCORE', key, 0, n) return redis.call('ZCARD', key)"));
  EXPECT_TRUE(Keeps("local from, to = KEYS[1], KEYS[2] return redis.call('RENAME', from, to)"));
  EXPECT_FALSE(Keeps("local from, to = KEYS[1], ARGV[1] return redis.call('RENAME', from, to)"));
  EXPECT_FALSE(Keeps("local key = KEYS[1] .. ':x' return redis.call('GET', key)"));
  EXPECT_FALSE(Keeps("local key = KEYS[1] key = 'x' return redis.call('GET', key)"));
  EXPECT_FALSE(Keeps("local a, key = 1, KEYS[1] a, key = key, a return redis.call('GET', key)"));
  EXPECT_FALSE(Keeps("local key = KEYS[1] do local key return redis.call('GET', key) end"));
  EXPECT_FALSE(Keeps("local key = KEYS[1] for key = 1, 2 do redis.call('GET', key) end"));
  EXPECT_FALSE(Keeps("do local _VERSION = KEYS[1] end return redis.call('GET', _VERSION)"));
}

TEST(DeclaredKeys, OtherKeysDoNot) {
  EXPECT_FALSE(Keeps("return redis.call('GET', 'x')"));
  EXPECT_FALSE(Keeps("return redis.call('GET', ARGV[1])"));
  EXPECT_FALSE(Keeps("return redis.call('GET', KEYS[1] .. 'x')"));
  EXPECT_FALSE(Keeps("return redis.call('GET', KEYS[1]:upper())"));
  EXPECT_FALSE(Keeps("return redis.call('DEL', KEYS[1], 'x')"));
  EXPECT_FALSE(Keeps("return redis.call(unpack(ARGV))"));
  EXPECT_FALSE(Keeps("return redis.call('GET', unpack(ARGV))"));
  EXPECT_FALSE(Keeps("return redis.call('DEL', KEYS[1], unpack(ARGV))"));
  EXPECT_FALSE(Keeps("return redis.call('RENAME', KEYS[1], redis.call('GET', KEYS[1]))"));
  EXPECT_FALSE(Keeps("return redis.call('SET', KEYS[1], redis.call('GET', 'x'))"));
}

TEST(DeclaredKeys, AllKeysAtOnceAreKeys) {
  EXPECT_TRUE(Keeps("return redis.call('DEL', unpack(KEYS))"));
  EXPECT_TRUE(Keeps("return redis.call('MGET', KEYS[1], unpack(KEYS))"));
  EXPECT_FALSE(Keeps("return redis.call('BITOP', unpack(ARGV))"));
  EXPECT_FALSE(Keeps("return redis.call('MSET', unpack(KEYS))"));
  EXPECT_TRUE(Keeps("return redis.call('MSET', KEYS[1], 1, KEYS[2], ARGV[2])"));
  EXPECT_FALSE(Keeps("return redis.call('MSET', KEYS[1], tostring(1))"));
}

TEST(DeclaredKeys, CommandsWhoseKeysAreElsewhereDoNot) {
  EXPECT_FALSE(Keeps("return redis.call('SORT', KEYS[1], 'BY', 'w_*')"));
  EXPECT_FALSE(Keeps("return redis.call('ZUNION', 2, KEYS[1], KEYS[2])"));
  EXPECT_FALSE(Keeps("return redis.call('KEYS', '*')"));
  EXPECT_FALSE(Keeps("return redis.call('RANDOMKEY')"));
  EXPECT_FALSE(Keeps("return redis.call('EVAL', 'return 1', 0)"));
  EXPECT_FALSE(Keeps("return redis.call('NOSUCHCOMMAND', KEYS[1])"));
  EXPECT_FALSE(Keeps("return redis.call('G\\069T', KEYS[1])"));
  EXPECT_FALSE(Keeps("return redis.call(ARGV[1], KEYS[1])"));
}

TEST(DeclaredKeys, WhoeverCouldChangeTheListDoesNot) {
  EXPECT_FALSE(Keeps("KEYS[1] = 'x' return redis.call('GET', KEYS[1])"));
  EXPECT_FALSE(Keeps("local a a, KEYS[1] = 1, 'x' return redis.call('GET', KEYS[1])"));
  EXPECT_FALSE(Keeps("KEYS[1], KEYS[2] = 'x', 'y' return redis.call('GET', KEYS[1])"));
  EXPECT_FALSE(Keeps("local k = KEYS k[1] = 'x' return redis.call('GET', KEYS[1])"));
  EXPECT_FALSE(Keeps("table.insert(KEYS, 'x') return redis.call('GET', KEYS[2])"));
  EXPECT_FALSE(Keeps("local KEYS = {'x'} return redis.call('GET', KEYS[1])"));
  EXPECT_FALSE(Keeps("local f, k = ipairs(KEYS) k[1] = 'x' return redis.call('GET', KEYS[1])"));
  EXPECT_FALSE(Keeps("(KEYS)[1] = 'x' return redis.call('GET', KEYS[1])"));
  EXPECT_FALSE(Keeps("rawset(KEYS, 1, 'x') return redis.call('GET', KEYS[1])"));
  EXPECT_TRUE(Keeps("return #KEYS"));
}

TEST(DeclaredKeys, OtherWaysToCallDoNot) {
  EXPECT_FALSE(Keeps("local call = redis.call return call('GET', 'x')"));
  EXPECT_FALSE(Keeps("local r = redis return r.call('GET', 'x')"));
  EXPECT_FALSE(Keeps("return redis['call']('GET', 'x')"));
  EXPECT_FALSE(Keeps("return pcall(redis.call, 'GET', 'x')"));
  EXPECT_FALSE(Keeps("return _G.redis.call('GET', 'x')"));
  EXPECT_FALSE(Keeps("return loadstring('return 1')()"));
  EXPECT_FALSE(Keeps("return getfenv().redis.call('GET', 'x')"));
  EXPECT_FALSE(Keeps("local unpack = tostring return redis.call('DEL', unpack(KEYS))"));
  EXPECT_FALSE(Keeps("return redis.call{'GET', 'x'}"));
  EXPECT_TRUE(Keeps("return redis.status_reply(redis.sha1hex(ARGV[1]))"));
}

TEST(DeclaredKeys, WhoeverCouldChangeGlobalsDoesNot) {
  EXPECT_FALSE(Keeps("ARGV = {} return redis.call('GET', KEYS[1])"));
  EXPECT_FALSE(Keeps("local a a, ARGV = 1, {}"));
  EXPECT_FALSE(Keeps("redis.log = nil"));
  EXPECT_FALSE(Keeps("redis.log, a = nil, 1"));
  EXPECT_FALSE(Keeps("redis = nil"));
  EXPECT_FALSE(Keeps("for ARGV = 1, 2 do end ARGV = {}"));
  EXPECT_FALSE(Keeps("for ARGV, b in ipairs(KEYS) do ARGV = {} end"));
  EXPECT_TRUE(Keeps("ARGV[1] = tonumber(ARGV[1]) return redis.call('INCRBY', KEYS[1], ARGV[1])"));
}

TEST(DeclaredKeys, OnlyShortLoopsSoonEnd) {
  EXPECT_TRUE(Keeps("for _, k in ipairs(KEYS) do redis.call('DEL', k) end"));
  EXPECT_TRUE(
      Keeps("for i = 1, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end"));
  EXPECT_TRUE(Keeps("for i = 1, 100 do redis.call('INCR', KEYS[1]) end for i = 1, 2 do end"));
  EXPECT_TRUE(Keeps("for i = 1, #KEYS do if ARGV[i] then redis.call('DEL', KEYS[i]) end end"));
  EXPECT_TRUE(Keeps("for _, v in ipairs(ARGV) do redis.call('SADD', KEYS[1], v) end"));
  EXPECT_FALSE(Keeps("for _, v in ipairs(ARGV) do ARGV[#ARGV + 1] = v end"));
  EXPECT_FALSE(Keeps("for _, v in ipairs(ARGV) do table.insert(ARGV, v) end"));
  EXPECT_FALSE(Keeps("for _, v in ipairs(ARGV) do redis.call('DEL', v) end"));
  EXPECT_FALSE(Keeps("while true do end"));
  EXPECT_FALSE(Keeps("repeat until false"));
  EXPECT_FALSE(Keeps("for i = 1, 2, 0 do end"));
  EXPECT_FALSE(Keeps("for i = 1, 2, 1e-300 do end"));
  EXPECT_FALSE(Keeps("for i = 1, 1e300 do end"));
  EXPECT_FALSE(Keeps("for i = 1, 100000 do end"));
  EXPECT_FALSE(Keeps("for i = 1, tonumber(ARGV[1]) do end"));
  EXPECT_FALSE(Keeps("for i = 1, 9999 do for j = 1, 9999 do end end"));
  EXPECT_FALSE(Keeps("for i = 1, 9999 do if i then for j = 1, 9999 do end end end"));
  EXPECT_FALSE(Keeps("local f = function() return f() end"));
  EXPECT_FALSE(Keeps("for k in pairs(t) do t[k + 1] = 1 end"));
}

TEST(DeclaredKeys, WhatCannotBeReadDoesNot) {
  EXPECT_FALSE(Keeps("return 'a"));
  EXPECT_FALSE(Keeps(std::string(100000, ' ')));
  EXPECT_TRUE(Keeps(""));
}

}  // namespace
}  // namespace kiln
