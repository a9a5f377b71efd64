// All documents under a prefix, kept in memory and read again as they change.
//
// A watch names what has changed; Refresh reads that. Refresh and all() are for one thread; what is
// unreadable is left out. `on_change` is called from any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "control/store/load.h"
#include "control/store/store.h"

namespace kiln {

template <typename Document>
class DocumentCache {
 public:
  DocumentCache(Store& store, std::string_view prefix, std::function<void()> on_change)
      : store_(store), prefix_(prefix) {
    watch_ =
        store_.Watch(prefix_, [this, on_change = std::move(on_change)](const std::string& key) {
          {
            std::lock_guard lock(mutex_);
            changed_.insert(key);
          }
          on_change();
        });
  }

  // False when the store did not answer; what is known then stays.
  bool Refresh() {
    std::set<std::string> changed;
    {
      std::lock_guard lock(mutex_);
      changed.swap(changed_);
    }
    if (!has_read_all_) return has_read_all_ = ReadAll();
    for (const std::string& key : changed) {
      Result<std::optional<StoreEntry>, StoreError> entry = store_.Get(key);
      if (!entry) return has_read_all_ = false;
      all_.erase(key.substr(prefix_.size()));
      if (*entry) Take(**entry);
    }
    return true;
  }

  const std::map<std::string, Loaded<Document>>& all() const { return all_; }  // By id.
  const Document* Find(const std::string& id) const {
    auto found = all_.find(id);
    return found == all_.end() ? nullptr : &found->second.document;
  }

 private:
  bool ReadAll() {
    Result<std::vector<StoreEntry>, StoreError> entries = store_.List(prefix_);
    if (!entries) return false;
    all_.clear();
    for (const StoreEntry& entry : *entries) Take(entry);
    return true;
  }

  void Take(const StoreEntry& entry) {
    std::optional<Document> document = FromJson<Document>(entry.value);
    if (document) all_[entry.key.substr(prefix_.size())] = {*std::move(document), entry.revision};
  }

  Store& store_;
  std::string prefix_;
  std::map<std::string, Loaded<Document>> all_;
  bool has_read_all_ = false;
  std::mutex mutex_;
  std::set<std::string> changed_;      // Keys, under mutex_.
  std::unique_ptr<StoreWatch> watch_;  // The last one: nobody calls what is half destroyed.
};

}  // namespace kiln
