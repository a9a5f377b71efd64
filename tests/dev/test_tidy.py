"""What ./dev tidy finds, and what it lets pass."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "dev"))
import tidy  # noqa: E402


def found(check, path, text):
    return [finding.text for finding in check(tidy.Source(path, text))]


def names_and_lengths(code):
    return [(name, lines) for name, _, lines in tidy.functions(tidy.blank(code))]


def test_blank_keeps_positions_and_hides_comments_and_strings():
    text = ('a("new {"); // delete {\nint n = 1\'000; /* {\n */ char c = \'{\';\n'
            '#include "base/new.h"\n')
    blanked = tidy.blank(text)
    assert len(blanked) == len(text) and blanked.count("\n") == text.count("\n")
    assert "{" not in blanked and "delete" not in blanked and "1'000" in blanked
    assert "<base/new.h>" in blanked


def test_functions_are_found_with_their_lengths():
    assert names_and_lengths("""
namespace kiln {
enum class End : uint8_t { kHead };
constexpr Row kRows[] = {
  {"GET", 2},
};
struct alignas(64) Shard {
  explicit Shard(int n) : size_(n), map_{n} {
    Fill();
  }
  bool operator==(const Shard& other) const = default;
  int size() const { return size_; }
 private:
  std::array<int, 4> map_{};
};
template <class F, std::enable_if_t<(sizeof(F) > 1), int> = 0>
auto Each(F&& f, Options options = {}) -> std::vector<int> {
  auto inner = [&] {
    return 1;
  };
  if (f) {
    inner();
  }
}
#define BROKEN {
TEST(Shard, IsEmptyAtFirst) {
}
}
""") == [("Shard", 3), ("size", 1), ("Each", 9), ("Shard.IsEmptyAtFirst", 2)]


def test_a_long_function_is_found_and_a_long_table_is_not():
    body = "  Step();\n" * 80
    assert found(tidy.check_size, "src/net/a.cc", f"void Run() {{\n{body}}}\n") == [
        "Run: 82 lines of at most 70"]
    rows = '  {"GET", 2},\n' * 900
    table = f"// clang-format off\nconstexpr Row kRows[] = {{\n{rows}}};\n// clang-format on\n"
    assert found(tidy.check_size, "src/net/a.cc", table) == []
    assert found(tidy.check_size, "src/net/a.cc", "int a;\n" * 801) == ["801 lines of at most 800"]


def test_wide_lines_are_found_outside_tables_and_counted_in_characters():
    wide = "// " + "x" * 98 + "\n"
    assert found(tidy.check_size, "src/net/a.cc", wide) == ["101 columns"]
    assert found(tidy.check_size, "src/net/a.cc", "// " + "é" * 97 + "\n") == []
    table = f"// clang-format off\n{wide}// clang-format on\n"
    assert found(tidy.check_size, "src/net/a.cc", table) == []


def test_includes_point_to_lower_layers_only():
    def includes(path, header):
        return found(tidy.check_layers, path, f'#include "{header}"\n')
    assert includes("src/engine/commands/list.cc", "base/hash.h") == []
    assert includes("src/engine/store/types/list.cc", "engine/store/table/table.h") == []
    assert includes("src/bin/kiln_server.cc", "net/event_loop.h") == []
    assert includes("src/net/stream.cc", "engine/server/session.h") == [
        "net may not include engine/server"]
    assert includes("src/engine/store/types/list.cc", "engine/store/shard.h") == [
        "engine/store/types may not include engine/store"]
    assert includes("src/control/aws/node.cc", "engine/store/shard.h") != []
    assert includes("src/net/stream.cc", "stream.h") == ["stream.h: name it from src/ on"]
    assert includes("src/attic/old.cc", "base/hash.h") == [
        "not in a layer; give its folder a row in tidy.py"]


def test_banned_calls_are_found_in_code_only():
    def rules(path, text):
        return len(found(tidy.check_words, path, text))
    for line in ("sprintf(a, b);", "strcpy(a, b);", "std::regex r;", "#include <iostream>",
                 "auto* p = new Node;", "delete p;", "delete[] p;", "throw 1;"):
        assert rules("src/net/a.cc", line + "\n") == 1, line
    for line in ("snprintf(a, 9, b);", "A(const A&) = delete;", "new (memory) Node;", "renew();",
                 "// strcpy is banned", 'Say("throw new");', "void operator delete(void*);"):
        assert rules("src/net/a.cc", line + "\n") == 0, line
    assert rules("src/base/a.cc", "auto* p = new Node;\n") == 0


def test_headers_say_what_they_are_for():
    assert found(tidy.check_words, "src/net/a.h", "// Sockets.\n#pragma once\n") == []
    assert len(found(tidy.check_words, "src/net/a.h", "#include <map>\n")) == 2


def test_a_todo_needs_an_issue_and_a_file_a_subject():
    assert found(tidy.check_words, "src/net/a.cc", "// TODO(#12): later\n") == []
    assert found(tidy.check_words, "src/net/a.cc", "// TODO: later\n") != []
    assert found(tidy.check_words, "src/net/string_util.cc", "") != []
    assert found(tidy.check_words, "src/net/futile.cc", "") == []


def test_marked_rows_must_rise():
    rows = '// Rows. Sorted by name.\nconst Row kRows[] = {\n  {"%s", 1},\n  {"%s", 2},\n};\n'
    assert found(tidy.check_sorted, "src/params/a.cc", rows % ("a", "b")) == []
    assert found(tidy.check_sorted, "src/params/a.cc", rows % ("b", "a")) == [
        '"a" stands after "b"']


def test_paths_in_prose_must_exist(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/here.md").touch()

    def prose(path, text):
        return [f.text for f in tidy.check_prose(tidy.Source(path, text), tmp_path)]
    assert prose("README.md", "See docs/here.md, docs/*.md and src/<folder>/x.cc.\n") == []
    assert prose("README.md", "See docs/gone.md.\n") == ["there is no docs/gone.md"]
    assert prose("README.md", "See docs/gone.md (planned).\n") == []
    assert prose("src/net/a.cc", "// See docs/gone.md and src/gone.cc.\n") == [
        "there is no docs/gone.md"]


def test_every_command_has_a_script():
    rows = ("LPUSH", "CONFIG|GET", "CLIENT|ID", "CLIENT|NO-EVICT")
    table = tidy.Source("src/engine/commands/list.cc",
                        "".join(f'  {{"{row}",  -3, Keys::One()}},\n' for row in rows))
    other = tidy.Source("src/params/memory.cc", '  {"LPOP", 3, Keys::One()},\n')
    scripts = [tidy.Source("tests/commands/server/config_get.resp", ""),
               tidy.Source("tests/commands/connection/client.resp", "> CLIENT SETNAME a\n1> client id\n> client id\n")]
    assert [f.text for f in tidy.check_scripts([table, other, *scripts])] == [
        "LPUSH has no script", "CLIENT|NO-EVICT has no script"]


def test_headers_compile_alone_and_results_are_kept(tmp_path):
    (tmp_path / "src/base").mkdir(parents=True)
    (tmp_path / "src/base/word.h").write_text("#pragma once\nusing Word = int;\n")
    (tmp_path / "src/base/bad.h").write_text("#pragma once\ninline Word Twice(Word w);\n")

    def headers():
        sources = [tidy.Source(path, "") for path in ("src/base/word.h", "src/base/bad.h")]
        return [f.path for f in tidy.check_headers(sources, tmp_path)]
    assert headers() == ["src/base/bad.h"]
    assert headers() == ["src/base/bad.h"]
    (tmp_path / "src/base/bad.h").write_text('#include "base/word.h"\ninline Word Twice(Word w);\n')
    assert headers() == []


def test_the_ratchet_grants_by_name_and_only_shrinks():
    def ratchet(value, line):
        finding = tidy.Finding("a.cc", 1, "function", "long", "a.cc:Run", value)
        left, kept = tidy.check_ratchet([finding] if value else [], [line])
        return [f.rule for f in left], kept
    assert ratchet(80, "function a.cc:Run 80") == ([], ["function a.cc:Run 80"])
    assert ratchet(81, "function a.cc:Run 80") == (["function"], ["function a.cc:Run 80"])
    assert ratchet(75, "function a.cc:Run 80") == (["ratchet"], ["function a.cc:Run 75"])
    assert ratchet(0, "function a.cc:Run 80") == (["ratchet"], [])
    assert ratchet(80, "# nothing is granted") == (["function"], ["# nothing is granted"])
