#include "control/aws/xml_writer.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(XmlWriter, WritesElementsOfAllKinds) {
  XmlWriter out;
  out.Element("A", [&] {
    out.Integer("I", -5);
    out.Bool("B", true);
    out.Time("T", 1482357583794);
    out.Time("Never", 0);
    out.OptionalText("Absent", "");
    out.Text("Empty", "");
    out.Empty("E");
  });
  EXPECT_EQ(out.text(),
            "<A><I>-5</I><B>true</B><T>2016-12-21T21:59:43.794Z</T><Empty></Empty><E/></A>");
}

TEST(XmlWriter, EscapesAndLeavesOutWhatXmlCannotHold) {
  XmlWriter out;
  out.Text("t", std::string_view("<a&\"b\">\r\n\t\0\x01\x1f"
                                 "c\xef\xbf\xbf\xef\xbf\xbd",
                                 20));
  EXPECT_EQ(out.text(), "<t>&lt;a&amp;&quot;b&quot;&gt;&#13;\n\tc\xef\xbf\xbd</t>");
}

TEST(XmlWriter, ListsWithoutItemsAreEmptyElements) {
  XmlWriter out;
  out.TextList("L", "i", {});
  out.TextList("L", "i", {"a", "b"});
  out.List("S", "s", std::vector<int>{1, 2}, [&](int n) { out.Integer("n", n); });
  EXPECT_EQ(out.text(), "<L/><L><i>a</i><i>b</i></L><S><s><n>1</n></s><s><n>2</n></s></S>");
}

}  // namespace
}  // namespace kiln
