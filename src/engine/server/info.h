// InfoWriter: writes INFO's sections. One row a section, in info.cc; the sections stand in
// info_*.cc by subject.
//
// Fields are those of Redis 7.2 where they mean something here; what Kiln does not have is told as
// zero or left out, never made up. Runs alone (the caller holds the Gate).
#pragma once

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>

#include "engine/server/server.h"

namespace kiln {

class InfoWriter {
 public:
  explicit InfoWriter(Server& server) : server_(server) {}

  std::string Write(std::span<const std::string_view> sections);

  void WriteServer();
  void WriteClients();
  void WriteMemory();
  void WritePersistence();
  void WriteStats();
  void WriteReplication();
  void WriteLink();  // of a replica
  void WriteReplicas();
  void WriteCpu();
  void WriteModules();
  void WriteCommandStats();
  void WriteErrorStats();
  void WriteLatencyStats();
  void WriteCluster();
  void WriteKeyspace();
  void WriteDebug();

 private:
  void Field(std::string_view name, std::string_view value) {
    text_.append(name).append(1, ':').append(value).append("\r\n");
  }
  template <class T>
  requires std::is_integral_v<T>
  void Field(std::string_view name, T value) {
    Field(name, std::string_view(fmt::format_int(value).c_str()));
  }
  // With a number of digits behind the point.
  void Field(std::string_view name, double value, int digits = 2) {
    Field(name, fmt::format("{:.{}f}", value, digits));
  }
  static std::string HumanBytes(size_t bytes);
  // "name" in bytes and "name_human".
  void Bytes(std::string_view name, size_t bytes);

  void WriteListeners();
  void WriteEventLoops(const WorkerStats& worker);
  void WriteScriptMemory();
  void WriteAppendOnly();
  void WriteLoading();
  WorkerStats SumWorkerStats() const;
  StoreStats SumStoreStats() const;
  uint64_t Microseconds(uint64_t ticks) const;
  double SumRates(RateMeter WorkerRates::*meter) const;

  Server& server_;
  std::string text_;
};

}  // namespace kiln
