// Which role a rank takes.
#pragma once

#include "dtcrt/program.h"

namespace dtcrt {

/// The role that fits the coordinates of `rank`. Throws logic_error when none does, or two, or when some roles evaluate, or predict, and others do not.
const Role &role_of(const Plan &plan, const std::vector<Role> &roles, int rank);

/// The rank's coordinate on an axis of the plan's mesh; -1 when it has no such axis.
int coordinate_of(const Plan &plan, int rank, std::string_view axis);
/// How many ranks an axis of the plan's mesh has; 1 when it has no such axis.
int ranks_along(const Plan &plan, std::string_view axis);

} // namespace dtcrt
