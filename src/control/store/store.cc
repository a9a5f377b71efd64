#include "control/store/store.h"

namespace kiln {

std::string_view Describe(StoreError error) {
  switch (error) {
    case StoreError::kNone:
      return "no error";
    case StoreError::kConflict:
      return "somebody else changed the same resource";
    case StoreError::kTooLarge:
      return "the document is too large for the state store";
    case StoreError::kUnavailable:
      return "the state store cannot be read or written; is the disk full?";
  }
  return "unknown";
}

}  // namespace kiln
