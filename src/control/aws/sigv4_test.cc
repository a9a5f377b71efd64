#include "control/aws/sigv4.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "control/aws/iso_time.h"

namespace kiln {
namespace {

// The vectors are those of AWS's published Signature Version 4 test suite.
constexpr char kKeyId[] = "AKIDEXAMPLE";
constexpr char kSecret[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr char kTime[] = "20150830T123600Z";
constexpr int64_t kMinuteMs = 60 * 1000;

std::optional<std::string> Lookup(std::string_view key_id) {
  return key_id == kKeyId ? std::optional<std::string>(kSecret) : std::nullopt;
}

HttpRequest MakeRequest(std::string method, std::string target) {
  HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers = {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", kTime}};
  return request;
}

void Sign(HttpRequest& request, std::string_view signed_headers, std::string_view signature,
          std::string_view scope = "20150830/us-east-1/service/aws4_request") {
  request.headers.erase("Authorization");
  request.headers.emplace("Authorization",
                          fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, "
                                      "Signature={}",
                                      kKeyId, scope, signed_headers, signature));
}

ApiError Verify(const HttpRequest& request, int64_t late_ms = 0) {
  return VerifySigV4(request, {"us-east-1", "service"}, *ParseBasicTime(kTime) + late_ms, Lookup);
}

// Signs it with the right secret, whatever the vectors hold.
void SignRightly(HttpRequest& request, std::string_view scope) {
  Sign(request, "host;x-amz-date", "none", scope);
  SigV4Claim claim;
  ASSERT_FALSE(ParseSigV4Claim(request, &claim));
  std::string canonical = CanonicalRequest(request, claim, Sha256Hex(request.body));
  Sign(request, "host;x-amz-date", SigV4Signature(claim, canonical, kSecret), scope);
}

struct Vector {
  const char* name;
  const char* method;
  const char* target;
  const char* signature;
};

TEST(SigV4, PublishedVectorsOfTargetsAreVerified) {
  const Vector vectors[] = {
      {"get-vanilla", "GET", "/",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-relative", "GET", "/example/..",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-slash", "GET", "//",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-slash-dot-slash", "GET", "/./",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1",
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-vanilla-utf8-query", "GET", "/?\xe1\x88\xb4=bar",
       "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
      {"post-vanilla", "POST", "/",
       "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
  };
  for (const Vector& vector : vectors) {
    HttpRequest request = MakeRequest(vector.method, vector.target);
    Sign(request, "host;x-amz-date", vector.signature);
    EXPECT_EQ(Verify(request).message, "") << vector.name;
  }
}

TEST(SigV4, PublishedVectorsOfHeadersAndBodiesAreVerified) {
  HttpRequest trim = MakeRequest("GET", "/");
  trim.headers.emplace("My-Header1", " value1");
  trim.headers.emplace("My-Header2", " \"a   b   c\"");
  Sign(trim, "host;my-header1;my-header2;x-amz-date",
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
  EXPECT_EQ(Verify(trim).message, "");

  HttpRequest duplicate = MakeRequest("GET", "/");
  duplicate.headers.emplace("My-Header1", "value2");
  duplicate.headers.emplace("My-Header1", "value2");
  duplicate.headers.emplace("My-Header1", "value1");
  Sign(duplicate, "host;my-header1;x-amz-date",
       "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea");
  EXPECT_EQ(Verify(duplicate).message, "");

  HttpRequest form = MakeRequest("POST", "/");
  form.headers.emplace("Content-Type", "application/x-www-form-urlencoded");
  form.body = "Param1=value1";
  Sign(form, "content-type;host;x-amz-date",
       "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
  EXPECT_EQ(Verify(form).message, "");
  form.body += "x";
  EXPECT_EQ(Verify(form).fault, Fault::kSignatureDoesNotMatch);
}

TEST(SigV4, APresignedRequestWithoutBodyMayLeaveItUnsigned) {
  // The example of "Authenticating requests: using query parameters" in the S3 API reference.
  HttpRequest request;
  request.method = "GET";
  request.target =
      "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"
      "%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
      "&X-Amz-SignedHeaders=host"
      "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
  request.headers = {{"Host", "examplebucket.s3.amazonaws.com"}};
  auto lookup = [](std::string_view) {
    return std::optional<std::string>("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
  };
  int64_t signed_ms = *ParseBasicTime("20130524T000000Z");
  auto verify = [&](int64_t late_ms) {
    return VerifySigV4(request, {"us-east-1", "s3"}, signed_ms + late_ms, lookup);
  };
  EXPECT_EQ(verify(0).message, "");
  EXPECT_EQ(verify(24 * 60 * kMinuteMs).message, "");
  EXPECT_EQ(verify(24 * 60 * kMinuteMs + 1).fault, Fault::kRequestExpired);
  EXPECT_EQ(verify(-16 * kMinuteMs).fault, Fault::kSignatureDoesNotMatch);
  request.body = "Action=DeleteCacheCluster";
  EXPECT_EQ(verify(0).fault, Fault::kSignatureDoesNotMatch);
}

TEST(SigV4, TheClockMayDifferBy15Minutes) {
  HttpRequest request = MakeRequest("GET", "/");
  Sign(request, "host;x-amz-date",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  EXPECT_FALSE(Verify(request, 15 * kMinuteMs));
  EXPECT_FALSE(Verify(request, -15 * kMinuteMs));
  EXPECT_EQ(Verify(request, 16 * kMinuteMs).message,
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123700Z "
            "(20150830T125200Z - 15 min.)");
  EXPECT_EQ(Verify(request, -16 * kMinuteMs).message,
            "Signature not yet current: 20150830T123600Z is still later than 20150830T123500Z "
            "(20150830T122000Z + 15 min.)");
}

TEST(SigV4, TheScopeMustBeOurs) {
  struct Case {
    const char* scope;
    const char* message;
  };
  const Case cases[] = {
      {"20150830/eu-west-1/service/aws4_request",
       "Credential should be scoped to a valid region, not 'eu-west-1'."},
      {"20150830/us-east-1/iam/aws4_request",
       "Credential should be scoped to correct service: 'service'."},
      {"20150831/us-east-1/service/aws4_request",
       "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
       "'20150831' != '20150830', from '20150830T123600Z'."},
  };
  for (const Case& one : cases) {
    HttpRequest request = MakeRequest("GET", "/");
    SignRightly(request, one.scope);
    ApiError error = Verify(request);
    EXPECT_EQ(error.fault, Fault::kSignatureDoesNotMatch);
    EXPECT_EQ(error.message, one.message);
  }
}

TEST(SigV4, MissingAndIncompleteSignaturesAreToldApart) {
  HttpRequest request = MakeRequest("GET", "/");
  EXPECT_EQ(Verify(request).fault, Fault::kMissingAuthenticationToken);

  const char* incomplete[] = {
      "AWS4-HMAC-SHA256",
      "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host",
      "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00",
      "Basic Zm9vOmJhcg==",
      "AWS4-HMAC-SHA256 ,,,=,=,",
  };
  for (const char* header : incomplete) {
    request.headers.erase("Authorization");
    request.headers.emplace("Authorization", header);
    EXPECT_EQ(Verify(request).fault, Fault::kIncompleteSignature) << header;
  }
}

TEST(SigV4, UnknownKeysAndSessionTokensAreRefused) {
  HttpRequest request = MakeRequest("GET", "/");
  Sign(request, "host;x-amz-date",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  auto nobody = [](std::string_view) { return std::optional<std::string>(); };
  int64_t now_ms = *ParseBasicTime(kTime);
  EXPECT_EQ(VerifySigV4(request, {"us-east-1", "service"}, now_ms, nobody).fault,
            Fault::kInvalidClientTokenId);
  request.headers.emplace("X-Amz-Security-Token", "token");
  EXPECT_EQ(Verify(request).fault, Fault::kInvalidClientTokenId);
}

TEST(SigV4, TheHostMustBeSigned) {
  HttpRequest request = MakeRequest("GET", "/");
  Sign(request, "x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  EXPECT_EQ(Verify(request).message, "'Host' must be a 'SignedHeader' in the AWS Authorization.");
}

TEST(SigV4, APortIsPartOfTheHost) {
  HttpRequest request = MakeRequest("POST", "/");
  request.headers.erase("Host");
  request.headers.emplace("Host", "localhost:8443");
  SignRightly(request, "20150830/us-east-1/service/aws4_request");
  EXPECT_FALSE(Verify(request));
  request.headers.erase("Host");
  request.headers.emplace("Host", "localhost");
  EXPECT_EQ(Verify(request).fault, Fault::kSignatureDoesNotMatch);
}

}  // namespace
}  // namespace kiln
