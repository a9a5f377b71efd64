#include "control/aws/xml_writer.h"

#include "control/aws/iso_time.h"

namespace kiln {
namespace {

// What stands for a character, or the character itself. XML 1.0 knows no other control characters
// than tab, line feed and carriage return, and the last would be read back as a line feed.
void AppendEscaped(std::string& out, std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\r':
        out += "&#13;";
        break;
      default:
        if (text.substr(i).starts_with("\xef\xbf\xbe") ||  // U+FFFE and U+FFFF
            text.substr(i).starts_with("\xef\xbf\xbf")) {
          i += 2;
        } else if (static_cast<unsigned char>(c) >= ' ' || c == '\t' || c == '\n') {
          out += c;
        }
    }
  }
}

}  // namespace

void XmlWriter::Open(std::string_view tag) {
  text_.append("<").append(tag).append(">");
}

void XmlWriter::Open(std::string_view tag, std::string_view xml_namespace) {
  text_.append("<").append(tag).append(" xmlns=\"").append(xml_namespace).append("\">");
}

void XmlWriter::Close(std::string_view tag) {
  text_.append("</").append(tag).append(">");
}

void XmlWriter::Empty(std::string_view tag) {
  text_.append("<").append(tag).append("/>");
}

void XmlWriter::Text(std::string_view tag, std::string_view text) {
  Open(tag);
  AppendEscaped(text_, text);
  Close(tag);
}

void XmlWriter::OptionalText(std::string_view tag, std::string_view text) {
  if (!text.empty()) Text(tag, text);
}

void XmlWriter::Integer(std::string_view tag, int64_t value) {
  Text(tag, std::to_string(value));
}

void XmlWriter::Bool(std::string_view tag, bool value) {
  Text(tag, value ? "true" : "false");
}

void XmlWriter::Time(std::string_view tag, int64_t time_ms) {
  if (time_ms != 0) Text(tag, FormatIsoTime(time_ms));
}

void XmlWriter::TextList(std::string_view list, std::string_view item,
                         const std::vector<std::string>& texts) {
  if (texts.empty()) return Empty(list);
  Open(list);
  for (const std::string& text : texts) Text(item, text);
  Close(list);
}

}  // namespace kiln
