// MemcacheStatsWriter: writes the lines of memcached's "stats".
//
// Names and order are memcached 1.6.18's, so that what reads them finds them. What Kiln does not
// have (slab classes, segmented LRUs) is told as zero or as one class that holds everything. Runs
// alone (the caller holds the Gate).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/server/server.h"

namespace kiln {

class MemcacheStatsWriter {
 public:
  explicit MemcacheStatsWriter(Server& server) : server_(server) {}

  // `topic` is what follows "stats".
  std::string Write(Arguments topic);

 private:
  std::string Detail(std::string_view what);
  void WriteGeneral();
  void WriteProcess();
  void WriteConnections();
  void WriteCommands();
  void WriteItemTotals();
  void WriteSettings();
  std::string CacheDump(Arguments topic);
  void WriteDumped(const Record* record);
  void WriteItems();
  void WriteSlabs();
  void WriteSizes();
  void WriteClients();

  void Line(std::string_view name, std::string_view value);
  void Line(std::string_view name, uint64_t value);
  // Bytes that the items take, with all that belongs to them.
  uint64_t ItemBytes() const;
  void Zeros(std::initializer_list<std::string_view> names);

  Server& server_;
  std::string text_;
};

}  // namespace kiln
