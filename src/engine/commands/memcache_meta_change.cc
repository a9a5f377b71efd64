// memcached's meta commands that change an item: md and ma.
//
// How requests are read and replies are written: memcache_meta.h. Source: as memcache_meta.cc.

#include <charconv>
#include <cstring>
#include <iterator>

#include "base/number.h"
#include "base/short_bytes.h"
#include "engine/commands/memcache_item.h"
#include "engine/commands/memcache_log.h"
#include "engine/commands/memcache_meta.h"
#include "protocol/memcache/meta_flags.h"

namespace kiln {
namespace {

using memcache::MetaFlags;

// ---- md ----

// The item gets an empty value and a new number; its expiry stays, its client flags go.
Record* EmptyItem(Call& call, const MetaRequest& request) {
  Db::StringOptions options;
  options.keep_expiry = true;
  options.cas = request.flags.has_new_cas() ? request.flags.new_cas : NextCas(call, request.key);
  return call.db.SetString(request.key, "", options);
}

// The item stays, but whoever reads it next is told to renew it.
void MarkStale(Call& call, const MetaRequest& request, Record* record) {
  const MetaFlags& flags = request.flags;
  if (flags.has_expiry()) {
    record = call.db.SetExpiry(request.key, record, ItemExpiryMs(flags.exptime, call.now_ms()));
  }
  auto kept = static_cast<uint8_t>(record->use_flags() & ~Record::kWinFlag);
  record->set_use_flags(kept | Record::kStaleFlag);
  if (record->cas() != 0)
    call.db.SetCas(request.key, record,
                   flags.has_new_cas() ? flags.new_cas : NextCas(call, request.key));
}

ItemResult DeleteOrMark(Call& call, const MetaRequest& request) {
  const MetaFlags& flags = request.flags;
  const uint64_t* cas = flags.has_cas() ? &flags.cas : nullptr;
  if (!flags.invalidates() && !flags.removes_value()) return DeleteItem(call, request.key, cas);
  Record* record = call.db.Peek(request.key);
  if (!IsString(record) || (cas != nullptr && CasOf(call, record) != *cas)) {
    ++Counters(call).delete_misses;
    return IsString(record) ? ItemResult::kExists : ItemResult::kNotFound;
  }
  if (flags.removes_value()) record = EmptyItem(call, request);
  if (flags.invalidates()) MarkStale(call, request, record);
  call.Touched(request.key);
  return ItemResult::kDone;
}

}  // namespace

// md key [flag ...]
void MetaDelete(Call& call) {
  MetaRequest request;
  if (!ReadRequest(call, &request, kTooManyFlags, kBadFlags)) return;
  if (request.flags.is_opaque_too_long) return SayError(call, kOpaqueTooLong);
  ++Counters(call).meta_commands;
  ItemResult result = DeleteOrMark(call, request);
  bool is_deleted = result == ItemResult::kDone && !request.flags.invalidates();
  if (call.services.memcache_log->Wants(kWatchDeletions)) [[unlikely]]
    LogDelete(call, request.key.text, "md", is_deleted);
  if (result == ItemResult::kDone && request.flags.is_quiet()) return;
  SayCode(call, request, CodeOf(result));
}

// ---- ma ----

namespace {

// Creates the number; its expiry is set like any other, by its flag.
CountedItem CreateNumber(Call& call, const MetaRequest& request) {
  if (call.db.context().no_room) return {ItemResult::kNoMemory, 0, nullptr};
  char digits[kMaxInt64Chars];
  ItemStore item;
  item.key = request.key;
  item.value = {digits, std::to_chars(digits, digits + sizeof(digits), request.flags.initial).ptr};
  item.expiry_ms = ItemExpiryMs(request.flags.vivify_exptime, call.now_ms());
  item.new_cas = request.flags.new_cas;
  return {ItemResult::kDone, request.flags.initial, PutItem(call, item)};
}

void SayCounted(Call& call, const MetaRequest& request, CountedItem counted) {
  char digits[kMaxInt64Chars];
  std::string_view value = {digits,
                            std::to_chars(digits, digits + sizeof(digits), counted.value).ptr};
  ByteBuffer& out = call.reply.out();
  char* at = out.Reserve(kMaxLineBytes);
  at = PutText(at, request.flags.has_value() ? "VA " : "HD");
  if (request.flags.has_value()) at = std::to_chars(at, at + 2, value.size()).ptr;
  for (std::string_view word : request.words) {
    if (word[0] == 'c') {
      at = PutNumber(at, 'c', CasOf(call, counted.record));
    } else if (word[0] == 't') {
      at = PutTimeLeft(call, at, counted.record);
    } else if (word[0] == 'T') {
      counted.record = call.db.SetExpiry(request.key, counted.record,
                                         ItemExpiryMs(request.flags.exptime, call.now_ms()));
    } else {
      at = PutEcho(at, request, word);
    }
  }
  at = PutText(at, "\r\n");
  if (request.flags.has_value()) at = PutText(PutText(at, value), "\r\n");
  out.CommitTo(at);
}

}  // namespace

// ma key [flag ...]
void MetaArithmetic(Call& call) {
  MetaRequest request;
  if (!ReadRequest(call, &request, kTooManyFlags, kBadFlags)) return;
  const MetaFlags& flags = request.flags;
  if (flags.mode != 0 && std::memchr("I+D-", flags.mode, 4) == nullptr)
    return SayError(call, "CLIENT_ERROR invalid mode for ma M token");
  if (flags.is_opaque_too_long) return SayError(call, kOpaqueTooLong);
  ++Counters(call).meta_commands;
  bool up = flags.mode != 'D' && flags.mode != '-';
  CountedItem counted = CountItem(call, request.key, {up, flags.delta, flags.cas, flags.new_cas});
  bool is_missing = counted.result == ItemResult::kNotFound;
  if (is_missing && flags.vivifies()) counted = CreateNumber(call, request);
  switch (counted.result) {
    case ItemResult::kDone:
      if (is_missing || !flags.is_quiet()) SayCounted(call, request, counted);
      return;
    case ItemResult::kNotNumber:
      return SayError(call, "CLIENT_ERROR cannot increment or decrement non-numeric value");
    case ItemResult::kNoMemory:
      return SayError(call, "SERVER_ERROR Out of memory allocating new item");
    default:
      return SayCode(call, request, CodeOf(counted.result));
  }
}

}  // namespace kiln
