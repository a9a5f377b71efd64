#include "engine/server/info.h"

#include <algorithm>

#include "engine/commands/argument_cursor.h"

namespace kiln {
namespace {

// Which words besides its name bring a section in.
enum Within : uint8_t { kDefault, kAll, kNameOnly };

struct SectionRow {
  std::string_view name;  // upper case
  std::string_view title;
  Within within;
  void (InfoWriter::*write)();
};

// clang-format off
constexpr SectionRow kSections[] = {
  // name          title           within       writer
  {"SERVER",       "Server",       kDefault,    &InfoWriter::WriteServer},
  {"CLIENTS",      "Clients",      kDefault,    &InfoWriter::WriteClients},
  {"MEMORY",       "Memory",       kDefault,    &InfoWriter::WriteMemory},
  {"PERSISTENCE",  "Persistence",  kDefault,    &InfoWriter::WritePersistence},
  {"STATS",        "Stats",        kDefault,    &InfoWriter::WriteStats},
  {"REPLICATION",  "Replication",  kDefault,    &InfoWriter::WriteReplication},
  {"CPU",          "CPU",          kDefault,    &InfoWriter::WriteCpu},
  {"MODULES",      "Modules",      kDefault,    &InfoWriter::WriteModules},
  {"COMMANDSTATS", "Commandstats", kAll,        &InfoWriter::WriteCommandStats},
  {"ERRORSTATS",   "Errorstats",   kDefault,    &InfoWriter::WriteErrorStats},
  {"LATENCYSTATS", "Latencystats", kAll,        &InfoWriter::WriteLatencyStats},
  {"CLUSTER",      "Cluster",      kDefault,    &InfoWriter::WriteCluster},
  {"KEYSPACE",     "Keyspace",     kDefault,    &InfoWriter::WriteKeyspace},
  {"DEBUG",        "Debug",        kNameOnly,   &InfoWriter::WriteDebug},
};
// clang-format on

bool IsAsked(const SectionRow& row, std::span<const std::string_view> sections) {
  if (sections.empty()) return row.within == kDefault;
  return std::any_of(sections.begin(), sections.end(), [&](std::string_view word) {
    if (EqualsWord(word, "DEFAULT")) return row.within == kDefault;
    if (EqualsWord(word, "ALL") || EqualsWord(word, "EVERYTHING")) return row.within != kNameOnly;
    return EqualsWord(word, row.name);
  });
}

}  // namespace

std::string Server::Info(std::span<const std::string_view> sections) {
  return InfoWriter(*this).Write(sections);
}

std::string InfoWriter::Write(std::span<const std::string_view> sections) {
  for (const SectionRow& row : kSections) {
    if (!IsAsked(row, sections)) continue;
    if (!text_.empty()) text_ += "\r\n";
    text_.append("# ").append(row.title).append("\r\n");
    (this->*row.write)();
  }
  return std::move(text_);
}

// As Redis prints it: "1.50M", "0B".
std::string InfoWriter::HumanBytes(size_t bytes) {
  constexpr std::string_view kUnits = "BKMGTP";
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  if (unit == 0) return fmt::format("{}B", bytes);
  return fmt::format("{:.2f}{}", value, kUnits[unit]);
}

void InfoWriter::Bytes(std::string_view name, size_t bytes) {
  Field(name, bytes);
  Field(std::string(name) + "_human", HumanBytes(bytes));
}

WorkerStats InfoWriter::SumWorkerStats() const {
  WorkerStats sum;
  for (auto& worker : server_.workers_) sum.Add(worker->stats());
  return sum;
}

StoreStats InfoWriter::SumStoreStats() const {
  StoreStats sum;
  for (auto& worker : server_.workers_) sum.Add(worker->context().stats);
  return sum;
}

uint64_t InfoWriter::Microseconds(uint64_t ticks) const {
  return static_cast<uint64_t>(static_cast<double>(ticks) / server_.ticks_per_us_);
}

double InfoWriter::SumRates(RateMeter WorkerRates::*meter) const {
  double sum = 0;
  for (auto& worker : server_.workers_) sum += (worker->rates().*meter).PerSecond();
  return sum;
}

}  // namespace kiln
