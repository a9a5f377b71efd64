#include "engine/commands/expiry_option.h"

#include "base/number.h"
#include "engine/commands/command_errors.h"

namespace kiln {

bool TakeExpiry(ArgumentCursor& args, ExpiryOption* option) {
  constexpr ExpiryOption kOptions[] = {{"EX", {}, true, false},
                                       {"PX", {}, false, false},
                                       {"EXAT", {}, true, true},
                                       {"PXAT", {}, false, true}};
  for (const ExpiryOption& row : kOptions) {
    if (!args.Take(row.word)) continue;
    if (option->is_given() && option->word != row.word) args.Fail(Error::kSyntax);
    *option = row;
    option->amount = args.Text();
    return true;
  }
  return false;
}

std::optional<uint64_t> ExpiryMs(Call& call, const ExpiryOption& option) {
  std::optional<int64_t> amount = ParseInt64(option.amount);
  if (!amount) {
    call.Fail(Error::kNotInteger);
    return std::nullopt;
  }
  int64_t at_ms = *amount;
  bool overflows = option.in_seconds && __builtin_mul_overflow(at_ms, 1000, &at_ms);
  if (!option.is_absolute) {
    overflows |= __builtin_add_overflow(at_ms, static_cast<int64_t>(call.now_ms()), &at_ms);
  }
  if (*amount <= 0 || overflows) {
    call.FailText(ExpireTimeErrorText(call.command));
    return std::nullopt;
  }
  return static_cast<uint64_t>(at_ms);
}

}  // namespace kiln
