#include "engine/persist/rdb_entry_reader.h"

#include <algorithm>
#include <cstring>

#include "base/number.h"

namespace kiln {
namespace {

// A time before 1970 is over, as any other that is past.
uint64_t ExpiryFrom(int64_t unix_ms) {
  return static_cast<uint64_t>(std::max<int64_t>(unix_ms, 0));
}

int64_t Seconds(RdbInput& in) {
  int32_t seconds = 0;
  std::string_view bytes = in.Bytes(sizeof(seconds));
  if (!in.is_broken()) std::memcpy(&seconds, bytes.data(), sizeof(seconds));
  return seconds;
}

// "flags cas"
void ReadItem(RdbInput& in, RdbEntryHead* head) {
  in.Text();  // The field's name, which whoever found the entry has looked at.
  std::string_view text = in.Text();
  size_t space = text.find(' ');
  if (space == text.npos) return in.Break();
  auto flags = ParseInt64(text.substr(0, space));
  auto cas = ParseUint64(text.substr(space + 1));
  if (!flags || !cas || *flags < 0 || *flags > UINT32_MAX) return in.Break();
  head->client_flags = static_cast<uint32_t>(*flags);
  head->cas = *cas;
}

void ReadBefore(RdbInput& in, RdbOpcode opcode, RdbEntryHead* head) {
  switch (opcode) {
    case RdbOpcode::kExpiryMs:
      head->expiry_ms = ExpiryFrom(in.Milliseconds());
      break;
    case RdbOpcode::kExpirySeconds:
      head->expiry_ms = ExpiryFrom(Seconds(in) * 1000);
      break;
    case RdbOpcode::kIdle:
      head->idle_seconds = in.Length();
      break;
    case RdbOpcode::kFrequency:
      head->frequency = in.Byte();
      break;
    case RdbOpcode::kAux:
      ReadItem(in, head);
      break;
    default:
      in.Break();
  }
}

}  // namespace

void ReadRdbEntryHead(RdbInput& in, RdbEntryHead* head) {
  head->expiry_ms = kNoExpiry;
  head->idle_seconds.reset();
  head->frequency.reset();
  head->client_flags = 0;
  head->cas = 0;
  uint8_t code = in.Byte();
  for (; IsRdbOpcode(code) && !in.is_broken(); code = in.Byte())
    ReadBefore(in, static_cast<RdbOpcode>(code), head);
  head->type = static_cast<RdbType>(code);
  head->name = in.Text();
}

}  // namespace kiln
