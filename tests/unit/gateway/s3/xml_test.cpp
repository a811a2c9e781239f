#include <gtest/gtest.h>

#include "s3/xml_reader.h"
#include "s3/xml_writer.h"

namespace firn::gateway {
namespace {

TEST(XmlWriter, EscapesTextAndNothingElse) {
  XmlWriter xml("Root", {});
  xml.element("A", "<&>\"' \xC3\xA9\r\n\t\x01");
  xml.number("B", 42);
  xml.boolean("C", true);
  xml.optional("D", "");
  xml.etag("abc");
  EXPECT_EQ(std::move(xml).finish(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Root><A>&lt;&amp;&gt;&quot;&#39; "
            "\xC3\xA9&#xD;\n\t&#x1;</A><B>42</B>"
            "<C>true</C><ETag>&quot;abc&quot;</ETag></Root>");
}

TEST(XmlWriter, NamesS3sNameSpace) {
  EXPECT_EQ(XmlWriter("R").finish(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<R xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></R>");
}

TEST(XmlReader, FindsElementsByLocalName) {
  const auto document = XmlDocument::parse(
      "<?xml version='1.0'?><!-- c --><s3:Delete xmlns:s3=\"x\"><s3:Object><Key> "
      "a&amp;b&#x20;</Key></s3:Object><Quiet>true</Quiet></s3:Delete>");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->root().name(), "Delete");
  ASSERT_EQ(document->root().children().size(), 2U);
  EXPECT_EQ(document->root().child("Object")->child_text("Key"), " a&b ");
  EXPECT_EQ(document->root().child_text("Quiet"), "true");
  EXPECT_EQ(document->root().child_text("Missing"), "");
}

TEST(XmlReader, KeepsAKeyOfSpacesAndOfCdata) {
  const auto document = XmlDocument::parse("<O><Key> </Key><Other><![CDATA[<a>]]></Other></O>");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->root().child_text("Key"), " ");
  EXPECT_EQ(document->root().child_text("Other"), "<a>");
}

TEST(XmlReader, RefusesWhatIsNoOneElement) {
  for (const char* text :
       {"", " ", "text", "<a>", "<a></b>", "<a><b></a></b>", "</a>", "<a/><b/>", "<a attr></a>", "<", "<!--", "{}"}) {
    EXPECT_EQ(XmlDocument::parse(text).code(), Errc::malformed_xml) << text;
  }
  EXPECT_EQ(XmlDocument::parse(std::string_view("<a>\0</a>", 8)).code(), Errc::malformed_xml);
}

TEST(XmlReader, KnowsNoEntitiesButXmlsOwn) {
  EXPECT_EQ(XmlDocument::parse("<!DOCTYPE a [<!ENTITY e \"eeee\">]><a>&e;</a>").code(), Errc::malformed_xml);
  EXPECT_EQ(XmlDocument::parse("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>").code(), Errc::malformed_xml);
  for (const char* text : {"&e;", "&", "a&b", "&;", "&amp", "&#;", "&#x;", "&#0;", "&#x0;", "&#xD800;", "&#x110000;",
                           "&#99999999999;", "&#-1;", "<b c='&e;'/>"}) {
    EXPECT_EQ(XmlDocument::parse("<a>" + std::string(text) + "</a>").code(), Errc::malformed_xml) << text;
  }
  EXPECT_EQ(
      XmlDocument::parse("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x1F9ca;<!-- & --><![CDATA[&e;]]></a>")->root().text(),
      "<>&\"'A\xF0\x9F\xA7\x8A&e;");
}

TEST(XmlReader, RefusesBytesThatAreNoText) {
  EXPECT_EQ(XmlDocument::parse("<a>\xFF\xFE</a>").code(), Errc::malformed_xml);
  EXPECT_EQ(XmlDocument::parse("<a>\xC0\x80</a>").code(), Errc::malformed_xml);
}

TEST(XmlReader, TakesATextWholeThatComesInPieces) {
  const auto document = XmlDocument::parse("<O><Key>a<!-- c -->b<![CDATA[<c>]]>d<?e f?>g</Key></O>");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->root().child_text("Key"), "ab<c>dg");
}

TEST(XmlReader, BoundsDepthAndNumberOfElements) {
  std::string deep, shut;
  for (std::size_t i = 0; i < XmlDocument::kDepthMax; ++i) {
    deep += "<a>";
    shut += "</a>";
  }
  EXPECT_TRUE(XmlDocument::parse(deep + shut));
  EXPECT_EQ(XmlDocument::parse("<a>" + deep + shut + "</a>").code(), Errc::malformed_xml);
  std::string many = "<a>";
  for (std::size_t i = 0; i <= XmlDocument::kElementsMax; ++i) many += "<b/>";
  EXPECT_EQ(XmlDocument::parse(many + "</a>").code(), Errc::malformed_xml);
}

}  // namespace
}  // namespace firn::gateway
