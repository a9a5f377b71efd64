// What memcached's meta commands share: reading a request and writing what its reply gives back.
//
// A reply is one line, written into room that was reserved for the longest; the PutX functions
// return where they stopped. Called by command handlers alone. Source: memcached's
// doc/protocol.txt.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/commands/call.h"
#include "engine/commands/memcache_item.h"
#include "engine/commands/memcache_reply.h"
#include "protocol/memcache/meta_flags.h"
#include "protocol/memcache/request_parser.h"

namespace kiln {

// A reply's line at most: its key in base64, an opaque and a number for each letter.
inline constexpr size_t kMaxLineBytes = 1024;

struct MetaRequest {
  Key key;
  Arguments words;  // the flags
  memcache::MetaFlags flags;
  std::string_view block;  // of ms
};

inline constexpr std::string_view kTooManyFlags = "CLIENT_ERROR options flags too long";
inline constexpr std::string_view kBadFlags = "CLIENT_ERROR invalid or duplicate flag";
inline constexpr std::string_view kOpaqueTooLong = "CLIENT_ERROR opaque token too long";

void SayError(Call& call, std::string_view error);

// Reads a request; false when it has been refused. `flags_error` is told of whatever is wrong with
// the flags, where one text does for all.
[[gnu::always_inline]] inline bool ReadRequest(Call& call, MetaRequest* request,
                                               std::string_view too_many,
                                               std::string_view flags_error) {
  Arguments all = call.args.all();
  request->key = call.args.NextKey();
  request->words = call.args.Rest();
  if (request->key.text.size() > memcache::kMaxKeyBytes) {
    call.reply.Raw(kBadFormat);
    return false;
  }
  if (all.size() > memcache::kMaxMetaWords) {
    SayError(call, too_many);
    return false;
  }
  if (request->words.empty()) return true;
  std::string_view error = memcache::ReadMetaFlags(request->words, &request->flags);
  if (error.empty() && request->key.text.empty()) error = "CLIENT_ERROR error decoding key";
  if (error.empty()) [[likely]]
    return true;
  SayError(call, flags_error.empty() ? error : flags_error);
  return false;
}

// A flag's letter and number.
char* PutNumber(char* at, char letter, uint64_t number);
// Seconds that are left, a begun one counted as whole; of what is due, none.
uint64_t SecondsLeft(Call& call, uint64_t expiry_ms);
char* PutTimeLeft(Call& call, char* at, const Record* record);
// What every reply gives back: opaque and key. Other letters are passed over.
char* PutEcho(char* at, const MetaRequest& request, std::string_view word);
// A line of a code and what every reply gives back.
void SayCode(Call& call, const MetaRequest& request, std::string_view code);
std::string_view CodeOf(ItemResult result);

void MetaDelete(Call& call);
void MetaArithmetic(Call& call);

}  // namespace kiln
