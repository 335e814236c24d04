// What a fragment tells people of itself.
#ifndef DTC_LIB_PARTITION_TIMELINES_FRAGMENTFACTS_H
#define DTC_LIB_PARTITION_TIMELINES_FRAGMENTFACTS_H

#include "dialects/Dist/Dist.h"

namespace dtc::partition {

/// Notes kind and stage (-1: of none), and the layers of the ops that it holds by now.
void setFacts(dist::FragmentOp fragment, dist::FragmentKind kind, int64_t stage = -1);

} // namespace dtc::partition

#endif // DTC_LIB_PARTITION_TIMELINES_FRAGMENTFACTS_H
