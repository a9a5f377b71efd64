// Writes the XML of a reply. The only place of the control plane that knows XML's syntax.
//
// Text is escaped; characters that XML 1.0 cannot hold are left out. No thread of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

class XmlWriter {
 public:
  // <tag> ... </tag> around what `body` writes.
  template <typename Body>
  void Element(std::string_view tag, Body&& body) {
    Open(tag);
    body();
    Close(tag);
  }
  void Text(std::string_view tag, std::string_view text);
  // Nothing when `text` is empty: AWS leaves such fields out.
  void OptionalText(std::string_view tag, std::string_view text);
  void Integer(std::string_view tag, int64_t value);
  void Bool(std::string_view tag, bool value);
  // "2016-12-21T21:59:43.794Z"; nothing when it is 0.
  void Time(std::string_view tag, int64_t time_ms);
  void Empty(std::string_view tag);  // <tag/>
  // <list><item>a</item><item>b</item></list>; <list/> when there is none.
  void TextList(std::string_view list, std::string_view item,
                const std::vector<std::string>& texts);
  // <list>, for each of `items` <item> with what `body(element)` writes, </list>.
  template <typename Items, typename Body>
  void List(std::string_view list, std::string_view item, const Items& items, Body&& body) {
    if (items.empty()) return Empty(list);
    Open(list);
    for (const auto& element : items) Element(item, [&] { body(element); });
    Close(list);
  }

  void Open(std::string_view tag);
  void Open(std::string_view tag, std::string_view xml_namespace);
  void Close(std::string_view tag);

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace kiln
