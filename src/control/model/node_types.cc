#include "control/model/node_types.h"

#include <algorithm>

namespace kiln {
namespace {

// clang-format off
constexpr NodeType kTypes[] = {
  // name, maxmemory in bytes, max_cache_memory in MB, threads
  {"cache.c7gn.12xlarge", 84357985997, 80450, 48},
  {"cache.c7gn.16xlarge", 113609865216, 108346, 64},
  {"cache.c7gn.2xlarge",  13891921715, 13248, 8},
  {"cache.c7gn.4xlarge",  27966669210, 26671, 16},
  {"cache.c7gn.8xlarge",  56116178125, 53516, 32},
  {"cache.c7gn.large",    3317862236, 3164, 2},
  {"cache.c7gn.xlarge",   6854542746, 6537, 4},
  {"cache.c8gn.12xlarge", 99847503872, 95222, 48},
  {"cache.c8gn.16xlarge", 133838143488, 127638, 64},
  {"cache.c8gn.2xlarge",  15222495510, 14517, 8},
  {"cache.c8gn.4xlarge",  31866224640, 30390, 16},
  {"cache.c8gn.8xlarge",  65856864256, 62806, 32},
  {"cache.c8gn.large",    3330020474, 3175, 2},
  {"cache.c8gn.xlarge",   7294178820, 6956, 4},
  {"cache.m1.small",      943718400, 900, 1},
  {"cache.m3.2xlarge",    29989273600, 28600, 8},
  {"cache.m3.large",      6501171200, 6200, 2},
  {"cache.m3.medium",     2988441600, 2850, 1},
  {"cache.m3.xlarge",     14260633600, 13600, 4},
  {"cache.m4.10xlarge",   166047614239, 158355, 40},
  {"cache.m4.2xlarge",    31889126359, 30411, 8},
  {"cache.m4.4xlarge",    65257290629, 62234, 16},
  {"cache.m4.large",      6892593152, 6573, 2},
  {"cache.m4.xlarge",     15328501760, 14618, 4},
  {"cache.m5.12xlarge",   168715971994, 160900, 48},
  {"cache.m5.24xlarge",   337500562842, 321865, 96},
  {"cache.m5.2xlarge",    27966669210, 26671, 8},
  {"cache.m5.4xlarge",    56116178125, 53516, 16},
  {"cache.m5.large",      6854542746, 6537, 2},
  {"cache.m5.xlarge",     13891921715, 13248, 4},
  {"cache.m6g.12xlarge",  168715971994, 160900, 48},
  {"cache.m6g.16xlarge",  225000375228, 214577, 64},
  {"cache.m6g.2xlarge",   27966669210, 26671, 8},
  {"cache.m6g.4xlarge",   56116178125, 53516, 16},
  {"cache.m6g.8xlarge",   111325552312, 107000, 32},
  {"cache.m6g.large",     6854542746, 6537, 2},
  {"cache.m6g.xlarge",    13891921715, 13248, 4},
  {"cache.m7g.12xlarge",  168715971994, 160900, 48},
  {"cache.m7g.16xlarge",  225000375228, 214577, 64},
  {"cache.m7g.2xlarge",   27966669210, 26671, 8},
  {"cache.m7g.4xlarge",   56116178125, 53516, 16},
  {"cache.m7g.8xlarge",   111325552312, 107000, 32},
  {"cache.m7g.large",     6854542746, 6537, 2},
  {"cache.m7g.xlarge",    13891921715, 13248, 4},
  {"cache.m8g.12xlarge",  201819422720, 192470, 48},
  {"cache.m8g.16xlarge",  269800701952, 257302, 64},
  {"cache.m8g.2xlarge",   31866224640, 30390, 8},
  {"cache.m8g.4xlarge",   65856864256, 62806, 16},
  {"cache.m8g.8xlarge",   133838143488, 127638, 32},
  {"cache.m8g.large",     7294178820, 6956, 2},
  {"cache.m8g.xlarge",    15222495510, 14517, 4},
  {"cache.r3.2xlarge",    62495129600, 59600, 8},
  {"cache.r3.4xlarge",    126458265600, 120600, 16},
  {"cache.r3.8xlarge",    254384537600, 242600, 32},
  {"cache.r3.large",      14470348800, 13800, 2},
  {"cache.r3.xlarge",     30513561600, 29100, 4},
  {"cache.r4.16xlarge",   437021573120, 416776, 64},
  {"cache.r4.2xlarge",    54197537997, 51686, 8},
  {"cache.r4.4xlarge",    108858546586, 103815, 16},
  {"cache.r4.8xlarge",    218255432090, 208144, 32},
  {"cache.r4.large",      13201781556, 12590, 2},
  {"cache.r4.xlarge",     26898228839, 25652, 4},
  {"cache.r5.12xlarge",   341206346547, 325400, 48},
  {"cache.r5.24xlarge",   682485973811, 650869, 96},
  {"cache.r5.2xlarge",    56711183565, 54084, 8},
  {"cache.r5.4xlarge",    113609865216, 108347, 16},
  {"cache.r5.large",      14037181030, 13387, 2},
  {"cache.r5.xlarge",     28261849702, 26953, 4},
  {"cache.r6g.12xlarge",  341206346547, 325400, 48},
  {"cache.r6g.16xlarge",  450000750456, 429154, 64},
  {"cache.r6g.2xlarge",   56711183565, 54084, 8},
  {"cache.r6g.4xlarge",   113609865216, 108347, 16},
  {"cache.r6g.8xlarge",   225000375228, 214577, 32},
  {"cache.r6g.large",     14037181030, 13387, 2},
  {"cache.r6g.xlarge",    28261849702, 26953, 4},
  {"cache.r6gd.12xlarge", 341206346547, 325400, 48},
  {"cache.r6gd.16xlarge", 450000750456, 429154, 64},
  {"cache.r6gd.2xlarge",  56711183565, 54084, 8},
  {"cache.r6gd.4xlarge",  113609865216, 108347, 16},
  {"cache.r6gd.8xlarge",  225000375228, 214577, 32},
  {"cache.r6gd.xlarge",   28261849702, 26953, 4},
  {"cache.r7g.12xlarge",  341206346547, 325400, 48},
  {"cache.r7g.16xlarge",  450000750456, 429154, 64},
  {"cache.r7g.2xlarge",   56711183565, 54084, 8},
  {"cache.r7g.4xlarge",   113609865216, 108347, 16},
  {"cache.r7g.8xlarge",   225000375228, 214577, 32},
  {"cache.r7g.large",     14037181030, 13387, 2},
  {"cache.r7g.xlarge",    28261849702, 26953, 4},
  {"cache.r8g.12xlarge",  405763260416, 386966, 48},
  {"cache.r8g.16xlarge",  541725818880, 516630, 64},
  {"cache.r8g.2xlarge",   65856864256, 62806, 8},
  {"cache.r8g.4xlarge",   133838143488, 127638, 16},
  {"cache.r8g.8xlarge",   269800701952, 257302, 32},
  {"cache.r8g.large",     15222495510, 14517, 2},
  {"cache.r8g.xlarge",    31866224640, 30390, 4},
  {"cache.t1.micro",      142606336, 136, 1},
  {"cache.t2.medium",     3461349376, 3301, 2},
  {"cache.t2.micro",      581959680, 555, 1},
  {"cache.t2.small",      1665138688, 1588, 1},
  {"cache.t3.medium",     3317862236, 3364, 2},
  {"cache.t3.micro",      536870912, 512, 2},
  {"cache.t3.small",      1471026299, 1402, 2},
  {"cache.t4g.medium",    3317862236, 3164, 2},
  {"cache.t4g.micro",     536870912, 512, 2},
  {"cache.t4g.small",     1471026299, 1402, 2},
};
// clang-format on

}  // namespace

std::span<const NodeType> AllNodeTypes() {
  return kTypes;
}

const NodeType* FindNodeType(std::string_view name) {
  const NodeType* end = std::end(kTypes);
  const NodeType* found = std::lower_bound(
      std::begin(kTypes), end, name,
      [](const NodeType& row, std::string_view wanted) { return row.name < wanted; });
  return found != end && found->name == name ? found : nullptr;
}

}  // namespace kiln
