// The rarer half of a session's parsing: which of memcached's protocols a connection speaks, the
// binary one, and the text one before the login.

#include "engine/commands/output_source.h"
#include "engine/server/server.h"
#include "engine/server/session.h"
#include "engine/server/worker.h"

namespace kiln {

void Session::BeginMemcache() {
  const MemcacheSettings& settings = worker_.settings().memcache;
  dialect_ = Dialect::kUnknown;
  bool has_login = settings.sasl_enabled || !settings.auth_file.empty();
  client_.authenticated = client_.is_admin || !has_login;
}

// The admin socket takes what comes, whatever the others may speak.
void Session::ChooseDialect(char first_byte) {
  MemcacheDialect allowed = worker_.settings().memcache.dialect;
  bool is_binary = allowed == MemcacheDialect::kBinary;
  if (allowed == MemcacheDialect::kAny || client_.is_admin)
    is_binary = static_cast<uint8_t>(first_byte) == memcache::kBinaryRequestMagic;
  dialect_ = client_.authenticated ? Dialect::kUsual : Dialect::kTextLogin;
  if (is_binary) dialect_ = Dialect::kBinary;
}

template <class Parser>
Session::After Session::ParseOneRare(Parser& parser, std::string_view bytes, size_t* consumed) {
  using Status = typename Parser::Status;
  const MemcacheSettings& settings = worker_.settings().memcache;
  memcache::BinaryLimits limits{{static_cast<size_t>(settings.max_item_bytes), settings.has_cas},
                                settings.sasl_enabled,
                                client_.authenticated};
  RequestBatch& batch = worker_.batch();
  size_t first = batch.arguments.size();
  switch (parser.Parse(bytes, limits, &batch.arguments, consumed)) {
    case Status::kIncomplete:
      return After::kStop;
    case Status::kRefused:
      worker_.RunBatch();
      Send(parser.error());
      return After::kRan;
    case Status::kBroken:
      worker_.RunBatch();
      Send(parser.error());
      ++worker_.stats().protocol_errors;
      CloseAfterOutput();
      return After::kStop;
    case Status::kComplete:
      break;
  }
  Arguments arguments{batch.arguments.data() + first, batch.arguments.size() - first};
  if (arguments.empty()) return After::kEmpty;
  if (is_paused_ && IsHeldBack(arguments)) [[unlikely]] {
    batch.Clear();  // it held nothing else: it ran before this request was parsed
    *consumed = 0;
    SetHeldBack(true);
    return After::kStop;
  }
  const Command* command = worker_.AddRequest(*this, client_, arguments);
  bool must_run = command == nullptr || command->Is(kEndsBatch) || !client_.authenticated;
  if (!must_run && batch.size < RequestBatch::kMax) return After::kGoOn;
  worker_.RunBatch();
  return After::kRan;
}

size_t Session::ParseRareDialect(std::string_view bytes) {
  if (dialect_ == Dialect::kUnknown) ChooseDialect(bytes[0]);
  size_t used = 0;
  size_t most_requests = MostRequests();
  is_paused_ = worker_.server().IsPaused(worker_.context().now_ms);
  for (size_t requests = 0; used < bytes.size() && dialect_ != Dialect::kUsual; ++requests) {
    if (is_paused_) [[unlikely]] {
      worker_.RunBatch();  // what a request may do depends on those before it
      if (!CanRun()) break;
    }
    if (requests == most_requests) {
      if (!is_postponed_) worker_.loop().PostponeToNextTurn(this);
      is_postponed_ = true;
      break;
    }
    size_t consumed = 0;
    std::string_view rest = bytes.substr(used);
    After after = dialect_ == Dialect::kBinary ? ParseOneRare(binary_parser_, rest, &consumed)
                                               : ParseOneRare(login_parser_, rest, &consumed);
    used += consumed;
    if (after == After::kEmpty) --requests;  // costs nothing, counts for nothing
    if (after == After::kStop || (after == After::kRan && !CanRun())) break;
    if (dialect_ == Dialect::kTextLogin && client_.authenticated) dialect_ = Dialect::kUsual;
  }
  return used;
}

}  // namespace kiln
