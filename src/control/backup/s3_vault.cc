#include "control/backup/s3_vault.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>
#include <thread>

#include "base/whole_file.h"

namespace kiln {
namespace {

constexpr int kAttempts = 3;
constexpr auto kFirstPause = std::chrono::milliseconds(200);  // Doubles.
constexpr long kConnectLimitS = 10;
constexpr long kSilenceLimitS = 60;  // Without a byte.
constexpr size_t kMaxErrorBytes = 4096;
constexpr std::string_view kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

std::string Hex(const unsigned char* bytes, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

// From its beginning; it stands there again afterwards. Empty: it cannot be read.
std::string Sha256Of(std::FILE* file) {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> result;
  unsigned int size = 0;
  std::string buffer(1 << 16, '\0');
  EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr);
  while (size_t got = std::fread(buffer.data(), 1, buffer.size(), file))
    EVP_DigestUpdate(digest.get(), buffer.data(), got);
  bool is_read = std::ferror(file) == 0;
  EVP_DigestFinal_ex(digest.get(), result.data(), &size);
  std::rewind(file);
  return is_read ? Hex(result.data(), size) : "";
}

// What is signed is what is sent: each byte that is not plain, as %XX.
std::string EncodePath(std::string_view path) {
  std::string text;
  for (char c : path) {
    bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '_' || c == '.' || c == '~' || c == '/';
    if (is_plain) {
      text += c;
    } else {
      text += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return text;
}

size_t KeepSome(char* bytes, size_t, size_t count, void* text) {
  auto* kept = static_cast<std::string*>(text);
  kept->append(bytes, std::min(count, kMaxErrorBytes - std::min(kept->size(), kMaxErrorBytes)));
  return count;
}

int Watch(void* access, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& goes_on = static_cast<const S3Access*>(access)->goes_on;
  return goes_on && !goes_on() ? 1 : 0;
}

enum class Verb { kGet, kHead, kPut, kDelete };

// One request, and what came of it.
class Request {
 public:
  Request(const S3Access& access, Verb verb, std::string url)
      : access_(access), verb_(verb), url_(std::move(url)) {}

  // kPut: what to send. kGet: where to write; nothing is written unless the answer is 200.
  bool Open(const std::string& path) {
    file_.reset(std::fopen(path.c_str(), verb_ == Verb::kPut ? "rbe" : "wbe"));
    if (!file_) {
      problem_ = path + ": " + std::generic_category().message(errno);
      return false;
    }
    if (verb_ != Verb::kPut) return true;
    std::error_code error;
    size_ = static_cast<curl_off_t>(std::filesystem::file_size(path, error));
    sha256_ = Sha256Of(file_.get());
    if (sha256_.empty()) problem_ = path + " cannot be read";
    return !sha256_.empty();
  }

  // The HTTP status; 0: there was no answer, and problem() says why.
  long Run() {
    std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
    std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(nullptr,
                                                                        curl_slist_free_all);
    auto add = [&](const std::string& header) {
      curl_slist* next = curl_slist_append(headers.get(), header.c_str());
      (void)headers.release();
      headers.reset(next);
    };
    // libcurl signs every header that it is given: nothing is to be added that is not sent.
    add("x-amz-content-sha256: " + sha256_);
    if (!access_.token.empty()) add("x-amz-security-token: " + access_.token);
    SetUp(curl.get(), headers.get());
    CURLcode code = curl_easy_perform(curl.get());
    long status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_HTTP_RETURNED_ERROR) code = CURLE_OK;
    problem_ = code == CURLE_OK ? fmt::format("it answered {}: {}", status, WordsOf(answer_))
                                : curl_easy_strerror(code);
    if (code == CURLE_OK && file_ && std::fflush(file_.get()) != 0) {
      problem_ = std::generic_category().message(errno);
      return 0;
    }
    return code == CURLE_OK ? status : 0;
  }

  const std::string& problem() const { return problem_; }

 private:
  // The message of an error's XML.
  static std::string WordsOf(const std::string& xml) {
    size_t start = xml.find("<Message>"), end = xml.find("</Message>");
    if (start == std::string::npos || end == std::string::npos) return "no reason is given";
    return xml.substr(start + 9, end - start - 9);
  }

  void SetUp(CURL* curl, curl_slist* headers) {
    std::string provider = "aws:amz:" + access_.region + ":s3";
    curl_easy_setopt(curl, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, provider.c_str());
    curl_easy_setopt(curl, CURLOPT_USERNAME, access_.key_id.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, access_.secret.c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectLimitS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kSilenceLimitS);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, Watch);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &access_);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, KeepSome);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer_);
    if (verb_ == Verb::kHead) curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    if (verb_ == Verb::kDelete) curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "DELETE");
    if (verb_ == Verb::kGet) {
      curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
      curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, nullptr);
      curl_easy_setopt(curl, CURLOPT_WRITEDATA, file_.get());
    }
    if (verb_ == Verb::kPut) {
      curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
      curl_easy_setopt(curl, CURLOPT_READDATA, file_.get());
      curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, size_);
    }
  }

  const S3Access& access_;
  Verb verb_;
  std::string url_;
  File file_;
  curl_off_t size_ = 0;
  std::string sha256_{kEmptySha256};
  std::string answer_;
  std::string problem_;
};

// Again, when it was nobody's fault. `path`: of the file to send or to write, or empty.
long Ask(const S3Access& access, Verb verb, const std::string& url, const std::string& path,
         std::string* problem) {
  auto pause = kFirstPause;
  long status = 0;
  for (int attempt = 0; attempt < kAttempts; ++attempt, pause *= 2) {
    if (attempt > 0) std::this_thread::sleep_for(pause);
    if (access.goes_on && !access.goes_on()) break;
    Request request(access, verb, url);
    bool is_open = path.empty() || request.Open(path);
    status = is_open ? request.Run() : 0;
    *problem = request.problem();
    if (!is_open || (status != 0 && status < 500)) break;
  }
  return status;
}

std::string TextOfEnv(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? "" : text;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  size_t start = std::min(text.find_first_not_of(kBlanks), text.size());
  text.remove_prefix(start);
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

}  // namespace

// ---- What it is told ----

bool ReadS3Credentials(std::string_view text, std::string_view profile, S3Access* access) {
  bool is_in_profile = false;
  access->key_id.clear();
  access->secret.clear();
  access->token.clear();
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('[')) is_in_profile = line == fmt::format("[{}]", profile);
    size_t equals = line.find('=');
    if (!is_in_profile || equals == std::string_view::npos) continue;
    std::string_view name = Trim(line.substr(0, equals)), value = Trim(line.substr(equals + 1));
    if (name == "aws_access_key_id") access->key_id = value;
    if (name == "aws_secret_access_key") access->secret = value;
    if (name == "aws_session_token") access->token = value;
  }
  return !access->key_id.empty() && !access->secret.empty();
}

bool FindS3Credentials(S3Access* access) {
  access->key_id = TextOfEnv("AWS_ACCESS_KEY_ID");
  access->secret = TextOfEnv("AWS_SECRET_ACCESS_KEY");
  access->token = TextOfEnv("AWS_SESSION_TOKEN");
  if (!access->key_id.empty() && !access->secret.empty()) return true;
  std::string path = TextOfEnv("AWS_SHARED_CREDENTIALS_FILE");
  if (path.empty()) path = TextOfEnv("HOME") + "/.aws/credentials";
  std::string profile = TextOfEnv("AWS_PROFILE");
  std::string text;
  return ReadWholeFile(path, &text) &&
         ReadS3Credentials(text, profile.empty() ? "default" : profile, access);
}

bool IsBucketName(std::string_view name) {
  constexpr size_t kMinBytes = 3, kMaxBytes = 63;
  auto is_fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  return name.size() >= kMinBytes && name.size() <= kMaxBytes &&
         std::all_of(name.begin(), name.end(), is_fine) && name.front() != '.' &&
         name.front() != '-' && name.find("..") == std::string_view::npos;
}

std::optional<S3Place> ParseS3Place(std::string_view text) {
  constexpr std::string_view kHead = "s3://";
  if (!text.starts_with(kHead)) return std::nullopt;
  text.remove_prefix(kHead.size());
  while (text.ends_with('/')) text.remove_suffix(1);
  size_t slash = std::min(text.find('/'), text.size());
  S3Place place{std::string(text.substr(0, slash)),
                std::string(text.substr(std::min(slash + 1, text.size())))};
  bool is_fine = IsBucketName(place.bucket) && (place.prefix.empty() || IsVaultKey(place.prefix));
  return is_fine ? std::optional(place) : std::nullopt;
}

// ---- The vault ----

std::string S3Vault::UrlOf(const std::string& key) const {
  std::string url = access_.endpoint + '/' + place_.bucket;
  if (key.empty()) return url;
  if (!place_.prefix.empty()) url += '/' + EncodePath(place_.prefix);
  return url + '/' + EncodePath(key);
}

std::string S3Vault::Put(const std::string& key, const std::string& path) {
  std::string problem, url = UrlOf(key);
  long status = Ask(access_, Verb::kPut, url, path, &problem);
  return status == 200 ? "" : fmt::format("{} cannot be written: {}.", url, problem);
}

std::string S3Vault::Get(const std::string& key, const std::string& path) {
  std::string problem, url = UrlOf(key);
  long status = Ask(access_, Verb::kGet, url, path, &problem);
  return status == 200 ? "" : fmt::format("{} cannot be read: {}.", url, problem);
}

std::string S3Vault::Remove(const std::string& key) {
  std::string problem, url = UrlOf(key);
  long status = Ask(access_, Verb::kDelete, url, {}, &problem);
  bool is_gone = status == 200 || status == 204 || status == 404;
  return is_gone ? "" : fmt::format("{} cannot be removed: {}.", url, problem);
}

FileVault::Presence S3Vault::Look(const std::string& key) {
  std::string problem;
  switch (Ask(access_, Verb::kHead, UrlOf(key), {}, &problem)) {
    case 200:
    case 204:
      return Presence::kThere;
    case 301:
    case 307:
      return Presence::kElsewhere;
    case 403:
      return Presence::kRefused;
    case 404:
      return Presence::kAbsent;
    default:
      return Presence::kTrouble;
  }
}

OpenBucket S3Buckets(S3Access access) {
  return [access = std::move(access)](const std::string& name) -> std::unique_ptr<FileVault> {
    if (!IsBucketName(name)) return nullptr;
    return std::make_unique<S3Vault>(access, S3Place{name, {}});
  };
}

}  // namespace kiln
