// Matching coordinates.
#include "core/Roles.h"

#include <stdexcept>

namespace dtcrt {

int coordinate_of(const Plan &plan, int rank, std::string_view axis) {
  if (plan.mesh.empty())
    return axis == "data" ? rank : -1;
  int stride = plan.devices;
  for (const MeshAxis &candidate : plan.mesh) {
    stride /= candidate.size;
    if (candidate.name == axis)
      return rank / stride % candidate.size;
  }
  return -1;
}

int ranks_along(const Plan &plan, std::string_view axis) {
  if (plan.mesh.empty())
    return axis == "data" ? plan.devices : 1;
  for (const MeshAxis &candidate : plan.mesh)
    if (candidate.name == axis)
      return candidate.size;
  return 1;
}

const Role &role_of(const Plan &plan, const std::vector<Role> &roles, int rank) {
  const Role *found = nullptr;
  for (const Role &role : roles) {
    if (role.program->has_evaluate() != roles.front().program->has_evaluate())
      throw std::logic_error("the roles '" + role.name + "' and '" + roles.front().name + "' do not both evaluate");
    if (role.program->has_predict() != roles.front().program->has_predict())
      throw std::logic_error("the roles '" + role.name + "' and '" + roles.front().name + "' do not both predict");
    bool fits = true;
    for (const auto &[axis, coordinate] : role.at) {
      const int own = coordinate_of(plan, rank, axis);
      if (own < 0)
        throw std::logic_error("the role '" + role.name + "' stands at the axis '" + std::string(axis) + "', which the mesh does not have");
      fits &= own == coordinate;
    }
    if (!fits)
      continue;
    if (found)
      throw std::logic_error("the roles '" + found->name + "' and '" + role.name + "' both fit rank " + std::to_string(rank));
    found = &role;
  }
  if (!found)
    throw std::logic_error("no role fits rank " + std::to_string(rank));
  return *found;
}

} // namespace dtcrt
