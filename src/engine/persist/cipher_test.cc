// Encrypted files: what was written comes back, and nothing else does.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <vector>

#include "base/whole_file.h"
#include "engine/persist/cipher_fixture.h"

namespace kiln {
namespace {

const AtRestKeys kKeys = KeysOf('k');

// The chunks of a file with their heads and tags.
std::vector<std::string> ChunksOf(std::string_view file) {
  std::vector<std::string> chunks;
  file.remove_prefix(kCipherHeaderBytes);
  while (!file.empty()) {
    uint32_t word = 0;
    file.copy(reinterpret_cast<char*>(&word), sizeof(word));
    size_t bytes = ChunkHead{word, 0}.size() + kChunkExtraBytes;
    chunks.emplace_back(file.substr(0, bytes));
    file.remove_prefix(bytes);
  }
  return chunks;
}

std::string Join(std::string_view header, const std::vector<std::string>& chunks) {
  std::string file(header.substr(0, kCipherHeaderBytes));
  for (const std::string& chunk : chunks) file += chunk;
  return file;
}

TEST(CipherSink, WhatIsWrittenInAnyPiecesIsReadInAnyPieces) {
  Random random(1);
  constexpr size_t kChunk = kCipherChunkBytes;
  for (size_t bytes : {size_t{0}, size_t{1}, size_t{15}, size_t{16}, size_t{17}, kChunk - 1, kChunk,
                       kChunk + 1, 2 * kChunk, size_t{200} << 10, size_t{123'456}}) {
    std::string text = RandomText(random, bytes);
    TextSink file;
    CipherSink sink(file, *kKeys.current);
    for (size_t at = 0; at < bytes;) {
      size_t piece = random.Below(2) == 0 ? random.Below(200) : random.Below(100'000);
      ASSERT_EQ(sink.Write(std::string_view(text).substr(at, piece)), "");
      at += piece;
    }
    ASSERT_EQ(sink.Finish(), "");
    for (size_t step : {size_t{7}, size_t{4096}, size_t{SIZE_MAX}}) {
      Unsealed read = Unseal(file.text, &kKeys, step, 1 + random.Below(70'000));
      EXPECT_EQ(read.error, "");
      EXPECT_TRUE(read.text == text) << bytes;
      EXPECT_EQ(read.total_bytes, bytes);
    }
  }
}

TEST(CipherSink, TheTextIsNotInTheFile) {
  std::string text = "a secret that nobody is to read";
  std::string file = SealSnapshot(text, *kKeys.current);
  for (size_t at = 0; at + 8 <= text.size(); ++at)
    EXPECT_EQ(file.find(text.substr(at, 8)), std::string::npos);
  EXPECT_EQ(file.find(std::string(8, 'k')), std::string::npos);  // nor is the key
}

TEST(CipherSink, TheSameTextIsNeverTheSameTwice) {
  std::set<std::string> chunks;
  for (int i = 0; i < 20; ++i) {
    for (const std::string& chunk : ChunksOf(SealSnapshot("text", *kKeys.current)))
      EXPECT_TRUE(chunks.insert(chunk).second);
  }
}

TEST(CipherSource, EveryFlippedBitIsFoundOut) {
  std::string text = "some text of a snapshot";
  std::string file = SealSnapshot(text, *kKeys.current);
  for (size_t at = 0; at < file.size(); ++at) {
    std::string damaged = file;
    damaged[at] ^= static_cast<char>(1 << at % 8);
    Unsealed read = Unseal(damaged, &kKeys);
    if (at < kCipherHeaderBytes) {  // The other copy of the header serves.
      EXPECT_TRUE(read.error.empty() && read.text == text) << at;
    } else {
      EXPECT_NE(read.error, "") << at;
      EXPECT_EQ(read.text, "") << at;
    }
  }
}

TEST(CipherSource, BothHeadersDamagedAreFoundOut) {
  std::string file = SealSnapshot("text", *kKeys.current);
  for (size_t at = 0; at < 104; ++at) {
    std::string damaged = file;
    damaged[at] ^= 1;
    damaged[kCipherSlotBytes + at] ^= 1;
    EXPECT_NE(Unseal(damaged, &kKeys).error, "") << at;
  }
}

TEST(CipherSource, EveryTruncationOfASnapshotIsFoundOut) {
  Random random(2);
  std::string file = SealSnapshot(RandomText(random, 100), *kKeys.current);
  for (size_t bytes = 0; bytes < file.size(); ++bytes)
    EXPECT_NE(Unseal(file.substr(0, bytes), &kKeys).error, "") << bytes;
  file = SealSnapshot(RandomText(random, 3 * kCipherChunkBytes), *kKeys.current);
  std::vector<std::string> chunks = ChunksOf(file);
  while (!chunks.empty()) {  // also where a chunk ends
    chunks.pop_back();
    EXPECT_NE(Unseal(Join(file, chunks), &kKeys).error, "") << chunks.size();
  }
}

TEST(CipherSource, ChunksStayWhereTheyAre) {
  Random random(3);
  std::string text = RandomText(random, 4 * kCipherChunkBytes);
  std::string file = SealSnapshot(text, *kKeys.current);
  std::string other = SealSnapshot(text, *kKeys.current);
  const std::vector<std::string> chunks = ChunksOf(file);
  ASSERT_EQ(chunks.size(), 5u);  // a session, and four of text
  EXPECT_EQ(Unseal(Join(file, chunks), &kKeys).error, "");
  for (size_t at = 0; at < chunks.size(); ++at) {
    std::vector<std::string> changed = chunks;
    if (at > 0) {
      std::swap(changed[at], changed[at - 1]);
      EXPECT_NE(Unseal(Join(file, changed), &kKeys).error, "") << "swapped " << at;
    }
    changed = chunks;
    changed.erase(changed.begin() + static_cast<ptrdiff_t>(at));
    EXPECT_NE(Unseal(Join(file, changed), &kKeys).error, "") << "left out " << at;
    changed = chunks;
    changed.insert(changed.begin() + static_cast<ptrdiff_t>(at), chunks[at]);
    EXPECT_NE(Unseal(Join(file, changed), &kKeys).error, "") << "doubled " << at;
    changed = chunks;
    changed[at] = ChunksOf(other)[at];
    EXPECT_NE(Unseal(Join(file, changed), &kKeys).error, "") << "of another file " << at;
  }
  EXPECT_NE(Unseal(file + "x", &kKeys).error, "");
  EXPECT_NE(Unseal(Join(other, chunks), &kKeys).error, "") << "with another header";
}

TEST(CipherSource, TheWrongKeyAndNoneAreToldApart) {
  std::string file = SealSnapshot("text", *kKeys.current);
  AtRestKeys wrong = KeysOf('w');
  AtRestKeys none;
  EXPECT_NE(Unseal(file, &wrong).error.find("Wrong key"), std::string::npos);
  EXPECT_NE(Unseal(file, &none).error.find("no key was given"), std::string::npos);
  EXPECT_NE(Unseal(file, nullptr).error.find("at-rest-key-file"), std::string::npos);
  AtRestKeys rotated{.current = KeyOf('w'), .old = KeyOf('k')};
  EXPECT_EQ(Unseal(file, &rotated).text, "text");
}

// A log with the bytes that each Append gave.
struct SomeLog {
  SomeLog() : log(CipherLog::Create(*kKeys.current, &file)) {}
  void Append(std::string_view bytes) {
    log->Append(bytes, &file);
    text += bytes;
  }
  std::string Lose(std::string_view bytes) {
    std::string lost;
    log->Append(bytes, &lost);
    log->Undo();
    return lost;
  }

  std::string file;
  std::string text;
  std::unique_ptr<CipherLog> log;
};

TEST(CipherLog, EveryTruncationLeavesWholeChunks) {
  SomeLog some;
  std::vector<std::pair<size_t, size_t>> ends{{kCipherHeaderBytes, 0}};  // of file and text
  for (size_t bytes : {1, 20, 3, 100}) {
    if (bytes == 3) some.Lose("from here on in another session");
    some.Append(std::string(bytes, 'x'));
    ends.emplace_back(some.file.size(), some.text.size());
  }
  for (size_t bytes = kCipherHeaderBytes; bytes <= some.file.size(); ++bytes) {
    size_t whole = 0;
    while (whole + 1 < ends.size() && ends[whole + 1].first <= bytes) ++whole;
    Unsealed read = Unseal(some.file.substr(0, bytes), &kKeys);
    EXPECT_EQ(read.error, "") << bytes;
    EXPECT_EQ(read.text, some.text.substr(0, ends[whole].second)) << bytes;
    EXPECT_GE(read.whole_bytes, ends[whole].first);
    EXPECT_EQ(read.whole_bytes + read.cut_bytes, bytes);
  }
}

TEST(CipherLog, EveryFlippedBitIsFoundOut) {
  SomeLog some;
  for (std::string_view text : {"one", "and two", "and three"}) some.Append(text);
  for (size_t at = kCipherHeaderBytes; at < some.file.size(); ++at) {
    std::string damaged = some.file;
    damaged[at] ^= static_cast<char>(1 << at % 8);
    Unsealed read = Unseal(damaged, &kKeys);
    EXPECT_NE(read.error, "") << at;
    EXPECT_TRUE(some.text.starts_with(read.text)) << at;
  }
}

TEST(CipherLog, LongTextsAreSeveralChunks) {
  Random random(4);
  SomeLog some;
  for (size_t bytes : {size_t{3} * kCipherChunkBytes, size_t{0}, size_t{200'000}})
    some.Append(RandomText(random, bytes));
  Unsealed read = Unseal(some.file, &kKeys);
  EXPECT_EQ(read.error, "");
  EXPECT_TRUE(read.text == some.text);
}

TEST(CipherLog, WhatDidNotStayIsNeverSealedWithTheSameKeyAgain) {
  SomeLog some;
  some.Append("first");
  std::string lost = some.Lose(std::string(40, 'a'));
  size_t start = some.file.size();
  some.Append(std::string(40, 'b'));
  EXPECT_EQ(Unseal(some.file, &kKeys).text, some.text);
  // With the same key and number, the two would differ by the same bits everywhere.
  std::string sealed = some.file.substr(start + kSessionBytes + kChunkHeadBytes, 40);
  std::set<int> differences;
  for (size_t i = 0; i < 40; ++i) differences.insert(sealed[i] ^ lost[kChunkHeadBytes + i]);
  EXPECT_GT(differences.size(), 5u);
}

class CipherFileTest : public ::testing::Test {
 protected:
  CipherFileTest() {
    std::string name = "/tmp/kiln-cipher-XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~CipherFileTest() override { std::filesystem::remove_all(folder_); }

  std::string Put(std::string_view text) {
    EXPECT_TRUE(ReplaceFile(path(), text));
    return path();
  }
  std::string Contents() {
    std::string text;
    EXPECT_TRUE(ReadWholeFile(path(), &text));
    return text;
  }
  std::string path() const { return folder_ + "/file"; }

  std::string folder_;
};

TEST_F(CipherFileTest, LogsGoOnWhereTheyEnded) {
  std::string error;
  SomeLog some;
  for (int opened = 0; opened < 5; ++opened) {
    for (int i = 0; i < opened; ++i) some.Append("text " + std::to_string(i));
    some.log = CipherLog::Continue(Put(some.file), &kKeys, &error);
    ASSERT_NE(some.log, nullptr) << error;
  }
  EXPECT_EQ(Unseal(some.file, &kKeys).text, some.text);
  std::string other_end = some.file;
  some.log->Append("one end", &some.file);
  CipherLog::Continue(path(), &kKeys, &error)->Append("or the other", &other_end);
  EXPECT_EQ(Unseal(other_end, &kKeys).error, "");
  // Chunks of two sessions are not exchanged.
  std::vector<std::string> chunks = ChunksOf(some.file);
  chunks.back() = ChunksOf(other_end).back();
  EXPECT_NE(Unseal(Join(some.file, chunks), &kKeys).error, "");
}

TEST_F(CipherFileTest, LogsDoNotGoOnBehindHalfAChunkNorWithTheWrongKey) {
  SomeLog some;
  some.Append("text");
  std::string error;
  AtRestKeys wrong = KeysOf('w');
  EXPECT_EQ(CipherLog::Continue(Put(some.file), &wrong, &error), nullptr);
  EXPECT_NE(error.find("Wrong key"), std::string::npos);
  Put(some.file.substr(0, some.file.size() - 1));
  EXPECT_EQ(CipherLog::Continue(path(), &kKeys, &error), nullptr);
  Put(SealSnapshot("text", *kKeys.current));
  EXPECT_EQ(CipherLog::Continue(path(), &kKeys, &error), nullptr);
}

TEST_F(CipherFileTest, LogsAreCutWhereTheirTextSays) {
  Random random(5);
  SomeLog some;
  for (size_t bytes : {10, 70'000, 100, 300'000}) some.Append(RandomText(random, bytes));
  for (size_t bytes : {size_t{300'000}, size_t{70'011}, size_t{70'010}, size_t{5}, size_t{0}}) {
    ASSERT_EQ(CutCipherLog(Put(some.file), &kKeys, bytes), "");
    Unsealed read = Unseal(Contents(), &kKeys);
    EXPECT_EQ(read.error, "");
    EXPECT_TRUE(read.text == some.text.substr(0, bytes)) << bytes;
  }
  EXPECT_NE(CutCipherLog(path(), &kKeys, 100), "");
}

TEST_F(CipherFileTest, RewrappingChangesTheHeaderAlone) {
  std::string file = SealSnapshot("text", *kKeys.current);
  AtRestKeys new_keys = KeysOf('n');
  ASSERT_EQ(RewrapCipherFile(Put(file), *kKeys.current, *new_keys.current), "");
  std::string rewrapped = Contents();
  EXPECT_EQ(rewrapped.substr(kCipherHeaderBytes), file.substr(kCipherHeaderBytes));
  EXPECT_EQ(Unseal(rewrapped, &new_keys).text, "text");
  EXPECT_NE(Unseal(rewrapped, &kKeys).error, "");
  ASSERT_EQ(RewrapCipherFile(path(), *kKeys.current, *new_keys.current), "");  // again: nothing
  EXPECT_EQ(Contents(), rewrapped);
  EXPECT_NE(RewrapCipherFile(path(), KeyOf('x'), KeyOf('y')), "");
  EXPECT_EQ(Contents(), rewrapped);
}

TEST_F(CipherFileTest, RewrappingMayStopAnywhere) {
  std::string before = SealSnapshot("text", *kKeys.current);
  AtRestKeys new_keys = KeysOf('n');
  AtRestKeys both{.current = KeyOf('n'), .old = KeyOf('k')};
  ASSERT_EQ(RewrapCipherFile(Put(before), *kKeys.current, *new_keys.current), "");
  std::string after = Contents();
  std::string_view rest = std::string_view(after).substr(kCipherHeaderBytes);
  auto slot = [](const std::string& file, size_t index) {
    return file.substr(index * kCipherSlotBytes, kCipherSlotBytes);
  };
  // The second slot comes first; each may be written in part, or be lost.
  for (size_t written = 0; written <= kCipherSlotBytes; written += 8) {
    std::string torn = slot(after, 1).substr(0, written) + slot(before, 1).substr(written);
    std::string first = slot(before, 0) + torn;
    EXPECT_EQ(Unseal(first + std::string(rest), &both).text, "text") << written;
    torn = slot(after, 0).substr(0, written) + slot(before, 0).substr(written);
    std::string second = torn + slot(after, 1);
    EXPECT_EQ(Unseal(second + std::string(rest), &both).text, "text") << written;
    if (written % 512 != 8) continue;
    for (const std::string& header : {first, second}) {  // and can be done again
      Put(header + std::string(rest));
      ASSERT_TRUE(IsCipherFile(path()));
      ASSERT_EQ(RewrapCipherFile(path(), *kKeys.current, *new_keys.current), "");
      EXPECT_EQ(Unseal(Contents(), &new_keys).text, "text");
      EXPECT_NE(Unseal(Contents(), &kKeys).error, "");
    }
  }
}

TEST_F(CipherFileTest, AFileIsReadAsItIs) {
  for (bool is_encrypted : {false, true}) {
    Put(is_encrypted ? SealSnapshot("some text", *kKeys.current) : "some text");
    EXPECT_EQ(IsCipherFile(path()), is_encrypted);
    StoredFile file(&kKeys);
    ASSERT_TRUE(file.Open(path()));
    EXPECT_EQ(file.is_encrypted(), is_encrypted);
    EXPECT_EQ(file.total_bytes(), 9u);
    char text[20] = {};
    size_t got = 0;
    EXPECT_EQ(file.Read(text, sizeof(text), &got), "");
    EXPECT_EQ(std::string(text, got), "some text");
  }
  StoredFile no_key(nullptr);
  ASSERT_TRUE(no_key.Open(path()));
  char text[20] = {};
  size_t got = 0;
  EXPECT_NE(no_key.Read(text, sizeof(text), &got), "");
  EXPECT_EQ(no_key.total_bytes(), 0u);
}

}  // namespace
}  // namespace kiln
