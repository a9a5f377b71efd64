#include "control/aws/api.h"

#include <gtest/gtest.h>

#include <set>

#include "control/aws/api_fixture.h"

namespace kiln {
namespace {

using ApiTest = ApiFixture;

TEST_F(ApiTest, ReplyHasTheEnvelopeOfTheQueryProtocol) {
  HttpResponse response = api_->Handle(Signed("Action=DescribeUsers&Version=2015-02-02"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/xml");
  ASSERT_EQ(response.headers.size(), 1u);
  EXPECT_EQ(response.headers[0].first, "x-amzn-RequestId");
  std::string id = response.headers[0].second;
  EXPECT_EQ(id.size(), 36u);
  EXPECT_EQ(response.body,
            "<DescribeUsersResponse xmlns=\"http://elasticache.amazonaws.com/doc/2015-02-02/\">"
            "<DescribeUsersResult><Users/></DescribeUsersResult>"
            "<ResponseMetadata><RequestId>" +
                id + "</RequestId></ResponseMetadata></DescribeUsersResponse>");
}

TEST_F(ApiTest, ErrorHasItsEnvelopeAndStatus) {
  HttpResponse response = api_->Handle(Signed("Action=DescribeSnapshots&SnapshotName=a"));
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body,
            "<ErrorResponse xmlns=\"http://elasticache.amazonaws.com/doc/2015-02-02/\"><Error>"
            "<Type>Sender</Type><Code>SnapshotNotFoundFault</Code>"
            "<Message>Snapshot a not found.</Message></Error><RequestId>" +
                response.headers[0].second + "</RequestId></ErrorResponse>");
}

TEST_F(ApiTest, RequestIdsDiffer) {
  HttpRequest request = Signed("Action=DescribeUsers");
  EXPECT_NE(api_->Handle(request).headers[0].second, api_->Handle(request).headers[0].second);
}

TEST_F(ApiTest, ActionsThatAreMissingOrUnknownAreToldApart) {
  EXPECT_EQ(ErrorOf("Version=2015-02-02"), "MissingAction");
  EXPECT_EQ(ErrorOf("Action=DescribeCows"), "InvalidAction");
  EXPECT_EQ(ErrorOf("Action=DescribeUsers&Version=2014-01-01"), "InvalidAction");
  EXPECT_EQ(ErrorOf("Action=CreateUser"), "UnsupportedOperation");
  EXPECT_EQ(ErrorOf("Action=%zz"), "MalformedQueryString");
}

TEST_F(ApiTest, ACallMayBeInTheQueryString) {
  HttpRequest request = Signed("");
  request.method = "GET";
  request.target = "/?Action=DescribeUsers";
  SigV4Claim claim;
  ASSERT_FALSE(ParseSigV4Claim(request, &claim));
  std::string canonical = CanonicalRequest(request, claim, Sha256Hex(""));
  std::string& header = request.headers.find("Authorization")->second;
  header = header.substr(0, header.find("Signature=")) +
           "Signature=" + SigV4Signature(claim, canonical, kSecret);
  EXPECT_EQ(api_->Handle(request).status, 200);
}

TEST_F(ApiTest, UnsignedCallsAreRefused) {
  HttpRequest request = Signed("Action=DescribeUsers");
  request.body += "&UserId=x";
  EXPECT_EQ(Text(api_->Handle(request).body, "Code"), "SignatureDoesNotMatch");
  request.headers.erase("Authorization");
  EXPECT_EQ(api_->Handle(request).status, 403);
  EXPECT_EQ(Text(api_->Handle(request).body, "Code"), "MissingAuthenticationToken");
}

TEST(Actions, AllOperationsHaveExactlyOneRow) {
  std::set<std::string_view> names;
  size_t without_result = 0;
  for (std::span<const Action> rows :
       {CacheClusterActions(), ReplicationGroupActions(), ParameterGroupActions(),
        SubnetGroupActions(), SnapshotActions(), MigrationActions(), TagActions(), EventActions(),
        EngineVersionActions(), UnbuiltActions()}) {
    for (const Action& row : rows) {
      EXPECT_TRUE(names.insert(row.name).second) << row.name;
      EXPECT_EQ(FindAction(row.name), &row);
      without_result += row.has_result ? 0 : 1;
    }
  }
  EXPECT_EQ(names.size(), 75u);
  EXPECT_EQ(without_result, 3u);
}

TEST(Fault, RowsAreUniqueAndSayWhoIsToBlame) {
  std::set<std::string_view> codes;
  for (size_t i = 1; i < static_cast<size_t>(Fault::kCount); ++i) {
    const FaultRow& row = RowOf(static_cast<Fault>(i));
    EXPECT_TRUE(codes.insert(row.code).second) << row.code;
    EXPECT_GE(row.http_status, 400);
  }
  EXPECT_EQ(RowOf(Fault::kCacheSubnetGroupNotFound).http_status, 400);
  EXPECT_EQ(RowOf(Fault::kCacheClusterNotFound).http_status, 404);
}

}  // namespace
}  // namespace kiln
