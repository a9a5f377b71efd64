#include "engine/commands/add_options.h"

namespace kiln {
namespace {

// Takes a word that ZADD alone knows.
bool TakeScoreWord(ArgumentCursor& args, AddOptions* options) {
  bool* option = args.Take("GT")     ? &options->only_greater
                 : args.Take("LT")   ? &options->only_less
                 : args.Take("INCR") ? &options->increments
                                     : nullptr;
  if (option != nullptr) *option = true;
  return option != nullptr;
}

}  // namespace

AddOptions TakeAddOptions(ArgumentCursor& args, AddWords words) {
  AddOptions options;
  while (args.More()) {
    if (char first = args.Peek().empty() ? '0' : args.Peek()[0]; first <= '9')
      break;  // a number, surely
    if (args.Take("NX"))
      options.only_new = true;
    else if (args.Take("XX"))
      options.only_present = true;
    else if (args.Take("CH"))
      options.counts_changed = true;
    else if (words == AddWords::kOfPlaces || !TakeScoreWord(args, &options))
      break;
  }
  return options;
}

}  // namespace kiln
