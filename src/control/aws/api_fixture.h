// For tests: the whole API over a store of its own, called with signed requests. One thread.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "control/aws/api.h"
#include "control/aws/iso_time.h"
#include "control/store/sqlite_store.h"

namespace kiln {

class ApiFixture : public testing::Test {
 protected:
  static constexpr char kKeyId[] = "AKIDEXAMPLE";
  static constexpr char kSecret[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

  ApiFixture() {
    char path[] = "/tmp/kiln-api-test-XXXXXX";
    EXPECT_NE(mkdtemp(path), nullptr);
    folder_ = path;
    std::string problem;
    store_ = SqliteStore::Open(folder_ + "/state.db", &problem);
    EXPECT_NE(store_, nullptr) << problem;
    api_ = std::make_unique<Api>(
        ApiContext{*store_, site_, [this] { return now_ms_; }}, [](std::string_view key_id) {
          return key_id == kKeyId ? std::optional<std::string>(kSecret) : std::nullopt;
        });
  }
  ~ApiFixture() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  HttpRequest Signed(const std::string& body) const {
    HttpRequest request;
    request.method = "POST";
    request.target = "/";
    request.body = body;
    request.remote_address = "127.0.0.1";
    request.headers = {{"Host", "localhost:8443"}, {"X-Amz-Date", FormatBasicTime(now_ms_)}};
    std::string date = FormatBasicTime(now_ms_).substr(0, 8);
    SigV4Claim claim{{kKeyId, date, site_.region, "elasticache"},
                     {"host", "x-amz-date"},
                     "",
                     FormatBasicTime(now_ms_),
                     std::nullopt,
                     false};
    std::string canonical = CanonicalRequest(request, claim, Sha256Hex(body));
    request.headers.emplace(
        "Authorization",
        fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders=host;x-amz-date, "
                    "Signature={}",
                    kKeyId, claim.credential.Scope(), SigV4Signature(claim, canonical, kSecret)));
    return request;
  }

  // "Action=X&Name=Value": the body of the reply.
  std::string Call(const std::string& form) { return api_->Handle(Signed(form)).body; }

  // What the first such element holds; "none" when there is none.
  static std::string Text(const std::string& xml, const std::string& tag) {
    size_t start = xml.find("<" + tag + ">");
    size_t end = xml.find("</" + tag + ">");
    if (start == std::string::npos || end == std::string::npos) return "none";
    start += tag.size() + 2;
    return xml.substr(start, end - start);
  }
  // The error's code, or "" of a call that worked.
  std::string ErrorOf(const std::string& form) {
    std::string code = Text(Call(form), "Code");
    return code == "none" ? "" : code;
  }
  static size_t Count(const std::string& xml, const std::string& part) {
    size_t count = 0;
    for (size_t at = 0; (at = xml.find(part, at)) != std::string::npos; ++at) ++count;
    return count;
  }

  template <typename Document>
  void Put(const std::string& key, const Document& document) {
    Transaction transaction;
    transaction.puts.push_back({key, ToJson(document)});
    ASSERT_TRUE(store_->Txn(transaction));
  }

  Site site_;
  int64_t now_ms_ = 1704164645000;  // 2024-01-02T03:04:05Z
  std::string folder_;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<Api> api_;
};

}  // namespace kiln
