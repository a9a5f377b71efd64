// Parameter groups, subnet groups, tags, events, engine versions and paging, through the whole API.

#include <gtest/gtest.h>

#include "control/aws/actions/event.h"
#include "control/aws/actions/paging.h"
#include "control/aws/api_fixture.h"
#include "control/model/store_keys.h"

namespace kiln {
namespace {

using ParameterGroupTest = ApiFixture;
using SubnetGroupTest = ApiFixture;
using TagTest = ApiFixture;
using EventTest = ApiFixture;
using EngineVersionTest = ApiFixture;

constexpr char kCreateGroup[] =
    "Action=CreateCacheParameterGroup&CacheParameterGroupName=Mine&CacheParameterGroupFamily=redis7"
    "&Description=d";
constexpr char kModify[] =
    "Action=ModifyCacheParameterGroup&CacheParameterGroupName=mine"
    "&ParameterNameValues.ParameterNameValue.1.ParameterName=timeout"
    "&ParameterNameValues.ParameterNameValue.1.ParameterValue=";
constexpr char kListUsers[] =
    "Action=DescribeCacheParameters&CacheParameterGroupName=mine&Source=user";

TEST_F(ParameterGroupTest, IsCreatedUnderALowerCaseNameOnce) {
  std::string xml = Call(kCreateGroup);
  EXPECT_EQ(Text(xml, "CacheParameterGroup"),
            "<CacheParameterGroupName>mine</CacheParameterGroupName>"
            "<CacheParameterGroupFamily>redis7</CacheParameterGroupFamily>"
            "<Description>d</Description><IsGlobal>false</IsGlobal>"
            "<ARN>arn:aws:elasticache:us-east-1:000000000000:parametergroup:mine</ARN>");
  EXPECT_EQ(ErrorOf(kCreateGroup), "CacheParameterGroupAlreadyExists");
}

TEST_F(ParameterGroupTest, ChangesAreCheckedAndTold) {
  EXPECT_EQ(ErrorOf(std::string(kModify) + "30"), "CacheParameterGroupNotFound");
  Call(kCreateGroup);
  EXPECT_EQ(ErrorOf(std::string(kModify) + "5"), "InvalidParameterValue");
  EXPECT_EQ(ErrorOf(std::string(kModify) + "30"), "");
  std::string xml = Call(kListUsers);
  EXPECT_EQ(Text(xml, "ParameterName"), "timeout");
  EXPECT_EQ(Text(xml, "ParameterValue"), "30");
  EXPECT_EQ(Text(xml, "Source"), "user");
  EXPECT_EQ(Count(xml, "<ParameterName>"), 1u);
}

TEST_F(ParameterGroupTest, TheDefaultValueIsNoChange) {
  Call(kCreateGroup);
  Call(std::string(kModify) + "30");
  Call(std::string(kModify) + "0");
  EXPECT_EQ(Count(Call(kListUsers), "<ParameterName>"), 0u);
}

TEST_F(ParameterGroupTest, ParametersMayBeResetOneByOneOrAll) {
  Call(kCreateGroup);
  Call(std::string(kModify) + "30");
  std::string reset = "Action=ResetCacheParameterGroup&CacheParameterGroupName=mine";
  EXPECT_EQ(ErrorOf(reset), "MissingParameter");
  EXPECT_EQ(ErrorOf(reset + "&ParameterNameValues.ParameterNameValue.1.ParameterName=timeout"), "");
  EXPECT_EQ(Count(Call(kListUsers), "<ParameterName>"), 0u);
  Call(std::string(kModify) + "30");
  EXPECT_EQ(ErrorOf(reset + "&ResetAllParameters=true"), "");
  EXPECT_EQ(Count(Call(kListUsers), "<ParameterName>"), 0u);
}

TEST_F(ParameterGroupTest, AtMost20ParametersChangeAtOnce) {
  std::string form = "Action=ModifyCacheParameterGroup&CacheParameterGroupName=mine";
  for (int i = 1; i <= 21; ++i) {
    form += fmt::format("&ParameterNameValues.ParameterNameValue.{}.ParameterName=timeout", i);
  }
  EXPECT_EQ(ErrorOf(form), "InvalidParameterCombination");
}

TEST_F(ParameterGroupTest, DefaultGroupsAreListedAndCannotBeChanged) {
  std::string xml = Call("Action=DescribeCacheParameterGroups");
  EXPECT_EQ(Count(xml, "<CacheParameterGroup>"), 21u);
  EXPECT_EQ(ErrorOf("Action=ResetCacheParameterGroup&ResetAllParameters=true"
                    "&CacheParameterGroupName=default.redis7"),
            "InvalidParameterValue");
  EXPECT_EQ(ErrorOf("Action=DeleteCacheParameterGroup&CacheParameterGroupName=default.redis7"),
            "InvalidParameterValue");
}

TEST_F(ParameterGroupTest, AGroupInUseCannotBeDeleted) {
  Call(kCreateGroup);
  CacheCluster cluster;
  cluster.id = "c";
  cluster.parameter_group = "mine";
  Put(ClusterKey("c"), cluster);
  std::string remove = "Action=DeleteCacheParameterGroup&CacheParameterGroupName=mine";
  EXPECT_EQ(ErrorOf(remove), "InvalidCacheParameterGroupState");
  cluster.parameter_group = "other";
  Put(ClusterKey("c"), cluster);
  std::string xml = Call(remove);
  EXPECT_EQ(Count(xml, "DeleteCacheParameterGroupResult"), 0u);
  EXPECT_EQ(Count(xml, "RequestId"), 2u);
  EXPECT_EQ(ErrorOf(remove), "CacheParameterGroupNotFound");
}

TEST_F(ParameterGroupTest, EngineDefaultsComeInPages) {
  std::string form =
      "Action=DescribeEngineDefaultParameters&CacheParameterGroupFamily=redis7&MaxRecords=20";
  size_t parameters = 0;
  size_t of_node_types = 0;
  std::string marker;
  do {
    std::string xml = Call(marker.empty() ? form : form + "&Marker=" + marker);
    parameters += Count(xml, "<Parameter>");
    of_node_types += Count(xml, "<CacheNodeTypeSpecificParameter>");
    marker = Text(xml, "Marker");
    size_t equals = marker.find('=');
    if (equals != std::string::npos) {
      marker = marker.substr(0, equals) + (marker.ends_with("==") ? "%3D%3D" : "%3D");
    }
  } while (marker != "none");
  EXPECT_GT(parameters, 40u);
  EXPECT_EQ(of_node_types, 3u);
}

constexpr char kCreateSubnets[] =
    "Action=CreateCacheSubnetGroup&CacheSubnetGroupName=Mine&CacheSubnetGroupDescription=d"
    "&SubnetIds.SubnetIdentifier.1=subnet-0a&SubnetIds.SubnetIdentifier.2=subnet-0b";

TEST_F(SubnetGroupTest, IsCreatedWithItsSubnetsInZones) {
  std::string xml = Call(kCreateSubnets);
  EXPECT_EQ(Text(xml, "CacheSubnetGroupName"), "mine");
  EXPECT_EQ(Count(xml, "<Subnet>"), 2u);
  EXPECT_EQ(Count(xml, "us-east-1"), 3u);  // Two zones and the ARN.
  EXPECT_EQ(ErrorOf(kCreateSubnets), "CacheSubnetGroupAlreadyExists");
  EXPECT_EQ(Count(Call("Action=DescribeCacheSubnetGroups"), "<CacheSubnetGroup>"), 2u);
}

TEST_F(SubnetGroupTest, NamesAndSubnetsAreChecked) {
  std::string form = "Action=CreateCacheSubnetGroup&CacheSubnetGroupDescription=d";
  EXPECT_EQ(ErrorOf(form + "&CacheSubnetGroupName=a"), "MissingParameter");
  form += "&SubnetIds.SubnetIdentifier.1=";
  EXPECT_EQ(ErrorOf(form + "subnet-1&CacheSubnetGroupName=a--b"), "InvalidParameterValue");
  EXPECT_EQ(ErrorOf(form + "net-1&CacheSubnetGroupName=a"), "InvalidParameterValue");
  for (int i = 2; i <= 21; ++i) form += fmt::format("&SubnetIds.member.{0}=subnet-{0}", i);
  EXPECT_EQ(ErrorOf(form + "&SubnetIds.member.1=subnet-1&CacheSubnetGroupName=a"),
            "CacheSubnetQuotaExceededFault");
}

TEST_F(SubnetGroupTest, IsModifiedAndDeletedUnlessInUse) {
  Call(kCreateSubnets);
  std::string xml = Call(
      "Action=ModifyCacheSubnetGroup&CacheSubnetGroupName=mine&SubnetIds.SubnetIdentifier.1="
      "subnet-9&CacheSubnetGroupDescription=new");
  EXPECT_EQ(Count(xml, "<Subnet>"), 1u);
  EXPECT_EQ(Text(xml, "CacheSubnetGroupDescription"), "new");
  CacheCluster cluster;
  cluster.id = "c";
  cluster.subnet_group = "mine";
  Put(ClusterKey("c"), cluster);
  std::string remove = "Action=DeleteCacheSubnetGroup&CacheSubnetGroupName=";
  EXPECT_EQ(ErrorOf(remove + "mine"), "CacheSubnetGroupInUse");
  cluster.subnet_group = "default";
  Put(ClusterKey("c"), cluster);
  EXPECT_EQ(ErrorOf(remove + "mine"), "");
  EXPECT_EQ(ErrorOf(remove + "mine"), "CacheSubnetGroupNotFoundFault");
  EXPECT_EQ(ErrorOf(remove + "default"), "InvalidParameterValue");
}

constexpr char kArn[] = "&ResourceName=arn:aws:elasticache:us-east-1:000000000000:";

TEST_F(TagTest, TagsAreAddedListedAndRemoved) {
  CacheCluster cluster;
  cluster.id = "c";
  Put(ClusterKey("c"), cluster);
  std::string resource = std::string(kArn) + "cluster:c";
  std::string add = "Action=AddTagsToResource&Tags.Tag.1.Key=a&Tags.Tag.1.Value=";
  EXPECT_EQ(ErrorOf(add + "1" + resource), "");
  std::string xml = Call(add + "2&Tags.Tag.2.Key=b" + resource);
  std::string expected =
      "<Tag><Key>a</Key><Value>2</Value></Tag><Tag><Key>b</Key><Value></Value></Tag>";
  EXPECT_EQ(Text(xml, "TagList"), expected);
  EXPECT_EQ(Text(Call("Action=ListTagsForResource" + resource), "TagList"), expected);
  std::string remove = "Action=RemoveTagsFromResource&TagKeys.member.1=a" + resource;
  EXPECT_EQ(Text(Call(remove), "Key"), "b");
  EXPECT_EQ(ErrorOf(remove), "TagNotFound");
}

TEST_F(TagTest, ResourcesMustExistAndBeOurs) {
  std::string list = "Action=ListTagsForResource";
  EXPECT_EQ(ErrorOf(list), "MissingParameter");
  EXPECT_EQ(ErrorOf(list + "&ResourceName=arn:aws:elasticache"), "InvalidARN");
  EXPECT_EQ(ErrorOf(list + "&ResourceName=arn:aws:elasticache:eu-west-1:000000000000:cluster:a"),
            "InvalidParameterValue");
  EXPECT_EQ(ErrorOf(list + kArn + "cow:a"), "InvalidARN");
  EXPECT_EQ(ErrorOf(list + kArn + "cluster:a"), "CacheClusterNotFound");
  EXPECT_EQ(ErrorOf(list + kArn + "replicationgroup:a"), "ReplicationGroupNotFoundFault");
  EXPECT_EQ(ErrorOf(list + kArn + "parametergroup:a"), "CacheParameterGroupNotFound");
  EXPECT_EQ(ErrorOf(list + kArn + "subnetgroup:a"), "CacheSubnetGroupNotFoundFault");
  EXPECT_EQ(ErrorOf(list + kArn + "snapshot:a"), "SnapshotNotFoundFault");
  EXPECT_EQ(ErrorOf(list + kArn + "parametergroup:default.redis7"), "");
}

TEST_F(TagTest, TagsAreLimited) {
  Call(kCreateGroup);
  std::string form = "Action=AddTagsToResource" + std::string(kArn) + "parametergroup:mine";
  EXPECT_EQ(ErrorOf(form + "&Tags.Tag.1.Key=aws:a"), "InvalidParameterValue");
  EXPECT_EQ(ErrorOf(form + "&Tags.Tag.1.Value=a"), "InvalidParameterValue");
  for (int i = 1; i <= 50; ++i) form += fmt::format("&Tags.Tag.{0}.Key=k{0}", i);
  EXPECT_EQ(ErrorOf(form), "");
  EXPECT_EQ(ErrorOf("Action=AddTagsToResource" + std::string(kArn) +
                    "parametergroup:mine&Tags.Tag.1.Key=more"),
            "TagQuotaPerResourceExceeded");
}

TEST_F(EventTest, AreFilteredBySourceAndTime) {
  constexpr int64_t kMinuteMs = 60 * 1000;
  Transaction transaction;
  AddEvent(&transaction, {"a", "cache-cluster", "old", now_ms_ - 61 * kMinuteMs});
  AddEvent(&transaction, {"a", "cache-cluster", "new", now_ms_ - 59 * kMinuteMs});
  AddEvent(&transaction, {"a", "replication-group", "now", now_ms_});
  ASSERT_TRUE(store_->Txn(transaction));
  std::string form = "Action=DescribeEvents";
  EXPECT_EQ(Count(Call(form), "<Event>"), 2u);
  EXPECT_EQ(Text(Call(form), "Message"), "new");
  EXPECT_EQ(Text(Call(form + "&Duration=62"), "Message"), "old");
  EXPECT_EQ(Text(Call(form + "&SourceType=replication-group&SourceIdentifier=a"), "Message"),
            "now");
  EXPECT_EQ(ErrorOf(form + "&SourceIdentifier=a"), "InvalidParameterCombination");
  EXPECT_EQ(ErrorOf(form + "&SourceType=cow"), "InvalidParameterValue");
  EXPECT_EQ(
      Count(Call(form + "&StartTime=2024-01-02T02:00:00Z&EndTime=2024-01-02T02:03:30Z"), "<Event>"),
      1u);
  EXPECT_EQ(ErrorOf(form + "&StartTime=2024-01-02T03:00:00Z&EndTime=2024-01-02T02:00:00Z"),
            "InvalidParameterValue");
}

TEST_F(EventTest, ComeInPages) {
  Transaction transaction;
  for (int i = 0; i < 45; ++i) {
    AddEvent(&transaction, {"a", "cache-cluster", fmt::format("{}", i), now_ms_ - 1000 + i});
  }
  ASSERT_TRUE(store_->Txn(transaction));
  std::string xml = Call("Action=DescribeEvents&MaxRecords=20");
  EXPECT_EQ(Count(xml, "<Event>"), 20u);
  EXPECT_EQ(Text(xml, "Message"), "0");
  std::string marker = Text(xml, "Marker");
  if (size_t equals = marker.find('='); equals != std::string::npos) marker.resize(equals);
  std::string padding = std::string(marker.size() % 4 == 0 ? 0 : 4 - marker.size() % 4, '=');
  for (char c : padding) marker += c == '=' ? "%3D" : "";
  EXPECT_EQ(Text(Call("Action=DescribeEvents&MaxRecords=20&Marker=" + marker), "Message"), "20");
}

TEST_F(EngineVersionTest, AreFiltered) {
  std::string form = "Action=DescribeCacheEngineVersions";
  EXPECT_GT(Count(Call(form), "<CacheEngineVersion>"), 15u);
  std::string xml = Call(form + "&DefaultOnly=true");
  EXPECT_EQ(Count(xml, "<CacheEngineVersion>"), 3u);
  EXPECT_EQ(Text(Call(form + "&Engine=redis&DefaultOnly=true"), "CacheEngineVersionDescription"),
            "redis version 7.1");
  EXPECT_EQ(Count(Call(form + "&EngineVersion=7.1"), "<CacheEngineVersion>"), 1u);
  EXPECT_EQ(Count(Call(form + "&CacheParameterGroupFamily=redis6.x"), "<CacheEngineVersion>"), 2u);
  EXPECT_NE(Call(form + "&Engine=cow").find("<CacheEngineVersions/>"), std::string::npos);
}

TEST(Paging, MarkersAreReadBack) {
  for (const char* key : {"a", "ab", "abc", "cache-cluster"}) {
    Arguments args(Arguments::Fields{{"Marker", MarkerOf(key)}, {"MaxRecords", "20"}});
    PageRequest request = ReadPageRequest(args);
    EXPECT_FALSE(args.error());
    EXPECT_EQ(request.after, key);
    EXPECT_EQ(request.limit, 20u);
  }
  EXPECT_EQ(MarkerOf("min-slaves-to-write"), "bWluLXNsYXZlcy10by13cml0ZQ==");
}

TEST(Paging, WrongArgumentsAreRefused) {
  using Fields = Arguments::Fields;
  for (const Fields& fields : {Fields{{"Marker", "x"}}, Fields{{"Marker", "===="}},
                               Fields{{"Marker", "a b="}}, Fields{{"MaxRecords", "19"}},
                               Fields{{"MaxRecords", "101"}}, Fields{{"MaxRecords", "many"}}}) {
    Arguments args(fields);
    ReadPageRequest(args);
    EXPECT_EQ(args.error().fault, Fault::kInvalidParameterValue) << fields.begin()->second;
  }
}

}  // namespace
}  // namespace kiln
