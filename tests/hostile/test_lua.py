"""Scripts that attack: each must end with an error or a value, and leave the server and the next script unharmed.

A docstring that names a CVE says which class of published holes the test stands for.
"""

import sys
import threading

import pytest

import servers

MIB = 1 << 20
# What a script may cost the process beyond what it had, with room for the allocator's own.
MEMORY_CAP_BYTES = 900 * MIB


@pytest.fixture(scope="module")
def shared(request):
    if request.config.getoption("--against") not in ("both", "kiln"):
        pytest.skip("these hold for Kiln alone")
    with servers.Kiln("--io-threads", "2", "--enable-debug-command", "yes") as running:
        yield running


@pytest.fixture
def client(shared):
    """A connection; afterwards the server must still run scripts as before."""
    with shared.connect(timeout_s=20) as connection:
        yield connection
    with shared.connect(timeout_s=20) as other:
        assert other.call("EVAL", "return {1, #KEYS, string.rep('a', 3), tostring(redis.call)}", 0)[1][:3] == [
            (":", 1), (":", 0), ("$", b"aaa")]
        assert other.call("PING") == ("+", b"PONG")


def fails(client, script, text: str, *arguments):
    sigil, payload = client.call("EVAL", script, 0, *arguments)
    assert sigil == "-" and text in payload.decode(errors="replace"), (sigil, payload)


def answers(client, script, *arguments):
    """What the script gives; it must not be an error."""
    sigil, payload = client.call("EVAL", script, 0, *arguments)
    assert sigil != "-", payload
    return payload


# ---- The sandbox ----

@pytest.mark.parametrize("name", ["os", "io", "package", "require", "debug", "dofile", "loadfile", "module", "newproxy",
                                  "print", "ffi", "jit"])
def test_what_reaches_outside_is_not_there(client, name):
    """CVE-2022-0543: a packaged Lua left `package` in reach, and with it the whole machine."""
    fails(client, f"return {name}", "nonexistent global variable")


@pytest.mark.parametrize("script", [
    "redis = {}", "redis.call = nil", "string.rep = nil", "_G.x = 1", "_G = {}", "rawset(_G, 'x', 1)", "KEYS2 = {}",
    "rawset(redis, 'call', 1)", "table.insert(string, 'x')", "setmetatable(_G, {})", "setmetatable(redis, nil)",
    "setmetatable(string, {})", "cjson.encode = nil", "cmsgpack.pack = nil", "bit.band = nil", "struct.pack = nil",
    "math.random = nil", "table.concat = nil", "coroutine.wrap = nil", "getfenv().redis = nil", "_VERSION = 'x'",
    "local t = getfenv(); t.pcall = nil",
])
def test_shared_tables_cannot_be_changed(client, script):
    """CVE-2022-24735: what one user put into a shared table ran with another user's rights."""
    fails(client, script, "readonly")


@pytest.mark.parametrize("script", [
    "getmetatable('').__index = nil", "getmetatable('').__index.upper = error", "getmetatable('').__add = error",
    "getmetatable(redis).__index = nil", "getmetatable(_G).__newindex = nil", "rawset(getmetatable(''), '__index', 1)",
])
def test_metatables_of_shared_values_cannot_be_changed(client, script):
    """CVE-2025-46818: metatables of basic types were writable, and other users' scripts went through them."""
    fails(client, script, "user_script")


@pytest.mark.parametrize("value", ["nil", "true", "1", "print_missing", "function() end",
                                   "coroutine.create(function() end)"])
def test_basic_types_have_no_metatable_to_set(client, value):
    """CVE-2025-46818, the same for the types that have none."""
    if value == "print_missing":
        value = "tostring"
    fails(client, f"setmetatable({value}, {{__index = function() return 1 end}})", "table expected")


def test_environments_do_not_outlive_their_script(client):
    client.call("EVAL", "setfenv(1, {a = 1}) return a", 0)
    client.call("EVAL", "setfenv(0, {}) return 1", 0)
    client.call("EVAL", "setfenv(redis.call, {}) return 1", 0)
    client.call("EVAL", "setfenv(string.rep, {}) return 1", 0)
    assert answers(client, "return type(redis.call) .. type(string.rep)") == b"functionfunction"


@pytest.mark.parametrize("loader", ["loadstring(ARGV[1])", "load(function() local c = code; code = nil; return c end)"])
def test_bytecode_is_never_loaded(client, loader):
    """Bytecode can make the interpreter read and write any memory; Lua 5.1 checks none of it."""
    dump = answers(client, "return string.dump(loadstring('return 1'))")
    assert dump.startswith(b"\x1bLua")
    if loader.startswith("load("):
        loader = f"(function() local code = ARGV[1] return {loader} end)()"
    script = f"local f, why = {loader} return {{tostring(f), tostring(why)}}"
    assert answers(client, script, dump)[0] == ("$", b"nil")
    assert client.call("EVAL", dump, 0)[0] == "-"
    assert client.call("SCRIPT", "LOAD", dump)[0] == "-"


def test_a_script_runs_with_its_callers_rights(shared, client):
    """CVE-2022-24735: the rights are those of whoever calls, not of whoever loaded the script."""
    sha = client.call("SCRIPT", "LOAD", "return redis.call('SET', KEYS[1], 'x')")[1]
    assert client.call("ACL", "SETUSER", "weak", "on", ">pw", "~mine:*", "+evalsha", "+get", "+eval")[0] == "+"
    with shared.connect() as weak:
        assert weak.call("AUTH", "weak", "pw")[0] == "+"
        assert b"ACL failure in script" in weak.call("EVALSHA", sha, 1, "mine:1")[1]
        assert b"ACL failure" in weak.call("EVAL", "return redis.call('GET', 'other')", 0)[1]
        assert weak.call("EVAL", "return pcall(redis.call, 'SET', 'mine:1', 'x') and 1 or 0", 0) == (":", 0)
    assert client.call("EXISTS", "mine:1") == (":", 0)


# ---- The interpreter ----

@pytest.mark.parametrize("script", [
    "return {unpack({}, 0, 2147483647)}", "return {unpack({}, -2147483648, 2147483647)}",
    "return {unpack({}, 1, 1e9)}", "return {unpack({1, 2, 3}, -1e9, 1e9)}", "return select('#', unpack({}, 0, 1e8))",
])
def test_unpack_refuses_huge_ranges(client, script):
    """CVE-2025-46817: the number of results overflowed, and the stack was written past its end."""
    fails(client, script, "too many results to unpack")


def test_unpack_at_the_ends_of_the_integers_gives_what_was_asked_for(client):
    assert answers(client, "return select('#', unpack({}, 2147483647, 2147483647))") == 1
    assert answers(client, "return select('#', unpack({}, -2147483648, -2147483648))") == 1
    assert answers(client, "return select('#', unpack({}, 2147483647, -2147483648))") == 0


@pytest.mark.parametrize("script", [
    "return " + "(" * 300 + "1" + ")" * 300, "return " + "{" * 5000 + "}" * 5000,
    "local a " + "do " * 5000 + "end " * 5000, "return " + "-" * 200000 + "1", "return " + "not " * 200000 + "1",
    "a" + ".b" * 50 + "=" + "function() return " * 250 + "1" + " end" * 250, "return 'a'" + "..'a'" * 100000,
    "return [" + "=" * 100000 + "[", "--[" + "=" * 100000 + "[", "return 1" + "^1" * 100000,
    "return '" + "\\065" * 100000, "local " + ",".join(f"a{i}" for i in range(300)) + " = 1",
    "goto = 1 :: x", "return 0x" + "f" * 100000, "return 1e" + "9" * 100000, "\x1b", "=", "\x00", "#!lua\n\x00",
])
def test_sources_that_strain_the_parser_end_with_an_answer(client, script):
    """CVE-2025-49844: a collection in the midst of parsing freed what the parser still used. CVE-2025-46819:
    an unfinished long string was read past its end."""
    for _ in range(3):
        assert client.call("EVAL", script, 0)[0] in "-$:*"
        assert client.call("EVAL", f"local f, why = loadstring(ARGV[1]) return why or 1", 0, script)[0] in "$:"


def test_collections_while_parsing_free_nothing_in_use(client):
    """CVE-2025-49844: the same on purpose; every compilation meets a collection of much garbage."""
    script = """
        collectgarbage('setpause', 0) collectgarbage('setstepmul', 1000000)
        local kept = {}
        for i = 1, 300 do
          for j = 1, 100 do kept[j] = {tostring(i * j)} end
          local name = string.rep('a', i)
          local code = 'local ' .. name .. ' = "' .. string.rep('b', i) .. '" return ' .. name
          local chunk = assert(loadstring(code, '=' .. string.rep('n', i)))
          collectgarbage()
          if chunk() ~= string.rep('b', i) then return 'lost' end
        end
        return 'kept'"""
    assert answers(client, script) == b"kept"


@pytest.mark.parametrize("script", [
    "local function f() return 1 + f() end return f()",
    "local function f(...) return select('#', f(..., ...)) end f(1)",
    "local t = setmetatable({}, {}) getmetatable(t).__index = function(s, k) return s[k .. 'x'] end return t.a",
    "local t = setmetatable({}, {}) getmetatable(t).__index = t return t.a",
    "local t = setmetatable({}, {__tostring = function(s) return tostring(s) end}) return tostring(t)",
    "local t = setmetatable({}, {__eq = function(a, b) return a == b end}) "
    "return t == setmetatable({}, getmetatable(t))",
    "local t = setmetatable({}, {__concat = function(a, b) return a .. b end}) return t .. t",
    "local function f() return coroutine.wrap(f)() end return f()",
    "return string.gsub('a', 'a', function() return string.gsub('a', 'a', 'b'):rep(2) end)",
    "local function f() return pcall(f) end return tostring(f())",
    "local function f() return xpcall(f, f) end return tostring(f())",
    "local f f = function() table.sort({3, 2, 1}, f) end f()",
    "local f f = function() return string.gsub('a', '.', f) end f()",
    "local function f() load(f)() end f()",
])
def test_deep_recursion_ends_with_an_error(client, script):
    """CVE-2021-32626: scripts overran the stacks of Lua and of C."""
    sigil, payload = client.call("EVAL", script, 0)
    assert sigil in "-$:", payload


@pytest.mark.parametrize("script", [
    "return string.rep('x', 1e10)", "return string.rep('x', 2 ^ 53)", "return string.rep('x', 1 / 0)",
    "local s = 'x' while true do s = s .. s end",
    "local t = {} while true do t[#t + 1] = string.rep('x', 1e7 + #t) end",
    "local t = {} for i = 1, 1e9 do t[i] = {i} end", "local s = string.rep('x', 2 ^ 28) return s .. s .. s .. s",
    "return string.format('%99999999d', 1)",
    "return table.concat({string.rep('x', 2 ^ 28), string.rep('y', 2 ^ 28), 'z'})",
    "local s = string.rep('x', 2 ^ 20) return (s:gsub('x', function() return s end))",
    "local t = {} for i = 1, 25 do t = {t, t} end return cjson.encode(t)",
    "local t = string.rep('x', 1e5) for i = 1, 12 do t = {t, t, t, t} end return cmsgpack.pack(t)",
    "local t = {} for i = 1, 30 do t = {t, t} end return t",
    "local c = {} for i = 1, 1e7 do c[i] = coroutine.create(function() end) end",
])
def test_memory_without_bound_is_refused(shared, client, script):
    """A script that allocates without bound ends with an error, not with the process."""
    assert client.call("EVAL", script, 0)[0] == "-"
    assert rss_bytes(shared) < MEMORY_CAP_BYTES + 1200 * MIB  # a sanitizer's share included


def rss_bytes(server) -> int:
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) * 1024


def test_garbage_of_a_script_does_not_outlive_it(shared, client):
    """Memory that a script took is given back when it ends."""
    used = int(info(client, "used_memory_vm_eval"))
    assert client.call("EVAL", "local t = {} for i = 1, 1e6 do t[i] = {i} end return #t", 0) == (":", 1000000)
    assert client.call("EVAL", "return 1", 0) == (":", 1)
    assert int(info(client, "used_memory_vm_eval")) < used + 16 * MIB


def info(client, field: str) -> str:
    lines = client.call("INFO", "everything")[1].decode().splitlines()
    return next(line.partition(":")[2] for line in lines if line.startswith(field + ":"))


def test_collectors_of_garbage_call_nothing_of_the_script(client):
    """CVE-2024-46981: a script's finalizers ran while the interpreter was being closed."""
    script = """
        local calls = 0
        local t = setmetatable({}, {__gc = function() calls = calls + 1 redis.call('SET', 'gc', 1) end, __mode = 'kv'})
        t = nil
        for i = 1, 20 do collectgarbage() end
        return calls"""
    assert answers(client, script) == 0
    assert client.call("SCRIPT", "FLUSH", "SYNC") == ("+", b"OK")
    assert client.call("EXISTS", "gc") == (":", 0)


def test_weak_tables_survive_collections(client):
    """CVE-2024-46981, the same class: tables that the collector empties while they are walked."""
    script = """
        local weak = setmetatable({}, {__mode = 'kv'})
        for i = 1, 2000 do weak[{}] = {} weak[i] = {i} end
        local seen = 0
        for key, value in pairs(weak) do collectgarbage('step', 1000) seen = seen + 1 end
        collectgarbage()
        return next(weak) == nil and 1 or 0"""
    assert answers(client, script) == 1


@pytest.mark.parametrize("script", [
    "return string.find(string.rep('a', 100), string.rep('a-', 3) .. 'b')",
    "return string.match('a', string.rep('(', 40) .. 'a' .. string.rep(')', 40))",
    "return string.find('a', string.rep('[', 100000))", "return string.find('a', '%')", "return string.find('a', '[a')",
    "return string.find('a', '%f')", "return string.gsub('a', 'a', '%9')", "return string.find('a', '(()')",
    "return string.match(string.rep('a', 3000), '(.-)b')", "return string.gmatch('a', '(a')()",
    "return string.find(string.rep('a', 220000), string.rep('a-', 30000))",
    "return string.find(string.rep('(', 5000), '%b()')",
])
def test_patterns_made_to_explode_end(client, script):
    """CVE-2022-36021 is Redis's own matcher; these are the same for Lua's: unbounded depth, broken classes. How long
    matching takes is for the pattern's author to bound, as in Redis."""
    assert client.call("EVAL", script, 0)[0] in "-$:"


@pytest.mark.parametrize("script", [
    "return string.format('%s', string.rep('x', 1e6)):len()", "return string.format(string.rep('%s', 300), 1)",
    "return string.format('%.99999f', 1)", "return string.format('%100d', 1)", "return string.format('%y', 1)",
    "return string.format('%')", "return string.format('%n', 1)", "return string.format('%c', 0):len()",
    "return string.format('%q', string.rep('\\0', 1000)):len()", "return string.format('%-+ #0-+ #0d', 1)",
    "return string.format('%.3', 1)", "return string.format('%d', 1e308)", "return string.format('%f', 1e308):len()",
    "return string.char(256)", "return string.char(-1)", "return string.byte('abc', -1e18, 1e18)",
    "return string.sub('abc', -2147483648, 2147483647)", "return string.sub('abc', 2147483647, -2147483648)",
    "return select('#', string.byte(string.rep('x', 1e7), 1, -1))", "return tostring(-0)", "return tonumber('0x', 16)",
    "return tonumber('z', 37)", "return math.floor(0/0)", "return math.random(1, 0)", "return math.random(-2^31, 2^31)",
    "return table.concat({}, 'x', -2147483648, 2147483647)", "return table.remove({}, -5)", "return #table.maxn",
    "return table.insert({}, 2147483647, 1)", "return table.insert({}, -2147483648, 1)", "return math.ldexp(1, 1e9)",
    "return tostring(setmetatable({}, {__tostring = function() return 1 end}))",
    "table.sort({1, 2, 3, 4, 5, 6, 7, 8}, function() return true end)", "return table.foreachi and 1",
])
def test_library_functions_take_extreme_arguments(client, script):
    assert client.call("EVAL", script, 0)[0] in "-$:,*"


# ---- The libraries beside Lua's own ----

@pytest.mark.parametrize("script", [
    "return cjson.encode(cjson.decode(string.rep('[', 100000)))", "return cjson.decode(string.rep('{\"a\":', 100000))",
    "local t = {} t[1] = t return cjson.encode(t)", "return cjson.encode({[1] = 1, [2147483647] = 1})",
    "return cjson.encode({[1e300] = 1})", "return cjson.encode(0/0)", "return cjson.encode(tostring)",
    "return cjson.decode('\"\\\\ud800\"')", "return cjson.decode('\"\\\\u00')", "return cjson.decode('1e99999')",
    "return cjson.decode(string.rep('1', 100000))", "return cjson.decode('')", "return cjson.decode('nul')",
    "return cjson.decode('[1,]')", "return cjson.decode('\\0')", "cjson.encode_max_depth(1e9)",
    "return cjson.decode('\"' .. string.rep('\\\\u0000', 100000))", "return cjson.decode({})",
])
def test_json_refuses_what_it_cannot_hold(client, script):
    """CVE-2022-24834: cjson overflowed its buffer; and nesting without bound overruns the stack."""
    sigil, _ = client.call("EVAL", script, 0)
    assert sigil in "-$:*"


def test_json_buffers_grow_as_far_as_their_text(client):
    """CVE-2022-24834: sizes around each doubling of the buffer, where every byte needs six."""
    script = """
        for size = 1, 600 do
          local text = cjson.encode(string.rep('\\1', size))
          if #text ~= 6 * size + 2 or cjson.decode(text) ~= string.rep('\\1', size) then return size end
        end
        return #cjson.encode(string.rep('\\1', 1e6))"""
    assert answers(client, script) == 6_000_002


@pytest.mark.parametrize("script", [
    "return cmsgpack.unpack('\\221\\255\\255\\255\\255')", "return cmsgpack.unpack('\\223\\255\\255\\255\\255')",
    "return cmsgpack.unpack('\\219\\255\\255\\255\\255')", "return cmsgpack.unpack('\\198\\255\\255\\255\\255x')",
    "return cmsgpack.unpack(string.rep('\\145', 200000))", "return cmsgpack.unpack(string.rep('\\129\\1', 200000))",
    "return cmsgpack.unpack('')", "return cmsgpack.unpack('\\193')", "return cmsgpack.unpack('\\207\\255')",
    "return cmsgpack.unpack_limit('\\1', -1, 0)", "return cmsgpack.unpack_limit('\\1', 1, 99)",
    "return cmsgpack.unpack_limit('\\1', 1, -1)", "return cmsgpack.unpack_one('\\1', 2147483647)",
    "return cmsgpack.unpack_limit('\\1', 2147483647, 2147483647)", "return cmsgpack.pack()",
    "local t = {} t[1] = t return cmsgpack.unpack(cmsgpack.pack(t))[1] ~= nil", "return cmsgpack.pack(tostring)",
    "return cmsgpack.unpack('\\129\\192\\1')", "return cmsgpack.unpack('\\129\\203\\127\\248\\0\\0\\0\\0\\0\\0\\1')",
])
def test_message_pack_refuses_sizes_that_lie(client, script):
    """CVE-2022-24834, its other half: cmsgpack's lengths and depths."""
    assert client.call("EVAL", script, 0)[0] in "-$:*"


@pytest.mark.parametrize("script", [
    "return struct.unpack('s', 'x')", "return struct.unpack('c0', '')", "return struct.unpack('i99', 'x')",
    "return struct.unpack('i2147483647', 'x')", "return struct.unpack('c2147483647', 'x')",
    "return struct.unpack('c99999999999', 'x')", "return struct.unpack('i', 'x', 2147483647)",
    "return struct.unpack('i', 'xxxx', -2147483648)", "return struct.unpack('i', 'xxxx', 0)",
    "return struct.unpack('!99i', 'x')", "return struct.unpack('!3i', 'xxxx')",
    "return struct.size('c2147483647c2147483647')",
    "return struct.size('!16' .. string.rep('d', 100000))", "return struct.size('s')", "return struct.pack('c5', 'x')",
    "return struct.pack('i17', 1)", "return struct.pack('Bc0', 300, string.rep('x', 300))",
    "return struct.pack('d', 'x')",
    "return struct.unpack('Bc0', '\\255x')", "return struct.unpack('ic0', '\\255\\255\\255\\255x')",
    "return struct.pack(string.rep('i', 100000), 1)",
    "return struct.unpack(string.rep('b', 100000), string.rep('x', 100000))",
    "return struct.unpack('x', '')", "return struct.unpack(string.rep('x', 100000), 'x')", "return struct.pack('y', 1)",
])
def test_struct_checks_sizes_and_offsets(client, script):
    """CVE-2018-11219 and its kind: sizes and offsets of struct overflowed."""
    assert client.call("EVAL", script, 0)[0] in "-$:*"


@pytest.mark.parametrize(("script", "expected"), [
    ("return bit.tohex(65535, -2147483648)", b"0000FFFF"), ("return bit.tohex(-1, -99)", b"FFFFFFFF"),
    ("return bit.tohex(255, 2147483647)", b"000000ff"), ("return bit.tohex(255, 0)", b""),
    ("return bit.lshift(1, 2147483647)", -2147483648), ("return bit.rshift(-1, -1)", 1),
    ("return bit.rol(1, -2147483648)", 1), ("return bit.tobit(2 ^ 31)", -2147483648), ("return bit.bnot(0/0)", None),
    ("return bit.band(1e308, 1)", None), ("return bit.arshift(-2147483648, 31)", -1),
    ("return bit.bswap(1)", 16777216), ("return bit.bor(unpack({}, 1, 200))", None),
])
def test_bit_operations_take_any_width(client, script, expected):
    """CVE-2024-31449: bit.tohex wrote past a buffer on the stack."""
    sigil, payload = client.call("EVAL", script, 0)
    assert sigil in "-$:"
    assert expected is None or payload == expected


# ---- Replies ----

@pytest.mark.parametrize("script", [
    "return redis.error_reply('A\\r\\n+OK\\r\\n$3\\r\\nabc')", "return {err = 'A\\r\\n+OK'}", "return {err = 'A\\n:1'}",
    "error('A\\r\\n+OK')", "error({err = 'A\\r\\n+OK'})", "return redis.status_reply('A\\r\\n+OK')",
    "return {ok = 'A\\r\\n-ERR'}", "return redis.pcall('A\\r\\n+OK')", "return redis.error_reply('A\\0\\r\\nB')",
    "redis.setresp(3) return {big_number = '1\\r\\n+OK'}",
    "return {verbatim_string = {format = 'a\\r\\n', string = 'x'}}",
    "return redis.call('GET', 'a\\r\\nb', 'c\\r\\n+OK')", "error('\\r\\n')", "return {err = '\\r\\n'}",
    "return {err = ''}",
    "return {ok = ''}", "return loadstring('\\r\\n(\\r\\n')()", "return redis.call('\\r\\n+OK')",
])
def test_line_ends_forge_no_reply(client, script):
    """CVE-2025-67733: CR and LF in an error became replies to other users of the connection."""
    replies = client.pipeline([["EVAL", script, 0], ["ECHO", "mark"]])
    assert replies[1] == ("$", b"mark"), replies
    assert replies[0][0] in "+-$(", replies


@pytest.mark.parametrize("script", [
    "error({})", "error(nil)", "error()", "error(1)", "error(true)", "error({err = 1})", "error({err = {}})",
    "error(error)",
    "error(setmetatable({}, {__index = function() error('deep') end}))", "error({err = 'X', source = {}, line = {}})",
    "error(redis)", "error(_G)", "error(setmetatable({}, {__tostring = function() error('x') end}))",
    "error({err = string.rep('x', 1e6)})", "error(coroutine.create(function() end))",
    "return {err = setmetatable({}, {})}",
    "error({err = 'X', ignore_error_stats_update = 1})", "local t = {} t.err = t error(t)",
    "return error({err = 'a b c'})",
])
def test_error_objects_of_any_kind_are_errors(client, script):
    """CVE-2022-24736: an error object of the wrong form was a null pointer."""
    assert client.call("EVAL", script, 0)[0] in "-*"


@pytest.mark.parametrize("script", [
    "local t = {} t[1] = t return t", "local t = {} for i = 1, 10000 do t = {t} end return t",
    "redis.setresp(3) local t = {} t.map = {a = t} return t",
    "redis.setresp(3) local t = {} t.set = {[t] = true} return t",
    "return {map = 1}", "return {double = 'x'}", "return {big_number = {}}", "return {verbatim_string = {}}",
    "return setmetatable({}, {__index = function() return 1 end})", "return coroutine.create(function() end)",
    "return redis.call", "return 0/0", "return 1e308", "return -1e308",
])
def test_values_without_end_are_replies_that_end(client, script):
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)  # of the reader of replies
    try:
        assert client.call("EVAL", script, 0)[0] in "-*:$+"
    finally:
        sys.setrecursionlimit(before)


# ---- Coroutines and what is forbidden ----

@pytest.mark.parametrize("script", [
    "coroutine.yield(1)", "return coroutine.wrap(function() coroutine.yield(redis.call('PING')) end)()",
    "local c = coroutine.create(function() return redis.call('NOSUCH') end) return {coroutine.resume(c)}",
    "local c c = coroutine.wrap(function() c() end) c()", "return redis.pcall('PING', coroutine.running())",
    "local c = coroutine.wrap(function() error({err = 'X'}) end) return pcall(c)",
    "local c = coroutine.create(function() for i = 1, 1e5 do coroutine.yield(i) end end) "
    "for i = 1, 1e5 do coroutine.resume(c) end return coroutine.status(c)",
    "local f = coroutine.wrap(redis.call) return f('PING')",
    "return pcall(coroutine.wrap(function() pcall(coroutine.yield) end))",
])
def test_coroutines_stay_within_their_script(client, script):
    assert client.call("EVAL", script, 0)[0] in "-*$:+"


@pytest.mark.parametrize("command", ["EVAL", "EVALSHA", "MULTI", "EXEC", "WATCH", "SUBSCRIBE", "MONITOR", "SHUTDOWN",
                                     "SCRIPT|FLUSH", "CONFIG|SET", "DEBUG", "AUTH", "CLIENT|KILL", "SAVE", "FCALL"])
def test_commands_that_are_not_for_scripts_are_refused(client, command):
    words = ", ".join(f"'{word}'" for word in [*command.split("|"), "1", "0"])
    fails(client, f"return redis.call({words})", "")


@pytest.mark.parametrize("words", ["'BLPOP', 'k', 0", "'BZPOPMIN', 'k', 0", "'XREAD', 'STREAMS', 'k', '$'",
                                   "'BLMOVE', 'a', 'b', 'LEFT', 'LEFT', 0", "'WAIT', 1, 0", "'BRPOP', 'k', 0"])
def test_nothing_waits_within_a_script(client, words):
    client.call("EVAL", f"return redis.pcall({words})", 0)


@pytest.mark.parametrize("arguments", ["", "nil", "{}", "true", "'GET', {}", "'GET', nil", "'GET', function() end",
                                       "'SET', 'a', 0/0", "'SET', 'a', 1/0", "'GET'", "unpack({}, 1, 100)",
                                       "string.rep('x', 1e6)", "'GET', string.rep('x', 1e7)",
                                       "'MGET', unpack(KEYS, 1, 7000)"])
def test_calls_take_any_argument(client, arguments):
    assert client.call("EVAL", f"return redis.pcall({arguments})", 0)[0] in "-$+*"


# ---- Scripts that do not end ----

SLOW_MS = 50


@pytest.fixture
def slow(shared, client):
    """Runs a script that does not end on a connection of its own, kills it when others hear that the server is busy,
    and gives the script's reply."""
    assert client.call("CONFIG", "SET", "busy-reply-threshold", SLOW_MS) == ("+", b"OK")

    def run(*command):
        replies = []
        with shared.connect(timeout_s=120) as runner:
            thread = threading.Thread(target=lambda: replies.append(runner.call(*command)))
            thread.start()
            servers.wait_until(lambda: client.call("PING")[1].startswith(b"BUSY") or replies, what="BUSY")
            killed = servers.wait_until(lambda: client.call("SCRIPT", "KILL"), what="a reply to SCRIPT KILL")
            if b"UNKILLABLE" in killed[1] or b"FUNCTION KILL" in killed[1]:
                return killed
            thread.join(timeout=120)
        assert not thread.is_alive()
        return replies[0]

    yield run
    assert client.call("CONFIG", "SET", "busy-reply-threshold", 5000) == ("+", b"OK")


@pytest.mark.parametrize("script", [
    "while true do end", "while true do pcall(function() while true do end end) end",
    "while true do pcall(redis.call, 'PING') end", "local function f() while true do end end "
    "while true do xpcall(f, f) end", "while true do coroutine.wrap(function() while true do end end)() end",
    "while true do pcall(error) end", "local c = coroutine.wrap(function() while true do coroutine.yield() end end) "
    "while true do c() end", "repeat redis.pcall('GET', 'x') until false", "for i = 1, 1e300 do end",
    "while true do local t = {} for i = 1, 1e4 do t[i] = {} end end", "while true do string.rep('x', 1e4) end",
    "while true do loadstring('return 1')() end",
])
def test_scripts_without_end_can_be_killed(slow, script):
    """Also in the midst of pcall, which catches every error but not the end."""
    sigil, payload = slow("EVAL", script, 0)
    assert sigil == "-" and b"Script killed by user" in payload


def test_read_only_scripts_without_end_can_be_killed(slow):
    assert b"Script killed by user" in slow("EVAL_RO", "while true do end", 0)[1]


def test_scripts_that_only_name_their_keys_end_by_themselves(shared, client):
    """Such scripts run beside others, and need no killing."""
    script = "for i = 1, 9999 do redis.call('INCR', KEYS[1]) end return redis.call('GET', KEYS[1])"
    client.call("DEL", "counted")
    for runs in range(1, 4):
        assert client.call("EVAL", script, 1, "counted") == ("$", b"%d" % (9999 * runs))
    assert client.call("SCRIPT", "KILL")[1].startswith(b"NOTBUSY")


@pytest.mark.parametrize("script", [
    "redis.call('SET', KEYS[1], 1) return redis.call('GET', KEYS[1] .. 'x')",
    "local k = {KEYS[1]} k[1] = 'y' redis.call('SET', k[1], 1) return redis.call('GET', 'x')",
    "local call = redis.call call('SET', 'other', 1) return call('GET', 'x')",
    "redis.call('SET', KEYS[1], 1) return redis.call('DBSIZE')",
    "redis.call('SELECT', 3) return redis.call('GET', KEYS[1])",
    "redis.call('SET', KEYS[1], 1) redis.call('FLUSHALL') return redis.call('GET', KEYS[1])",
])
def test_undeclared_keys_are_reached_as_ever(client, script):
    """Whether a script runs alone or beside others, nothing that Redis allows is refused."""
    for _ in range(3):
        assert client.call("EVAL", script, 1, "declared")[0] in "$:"
