// Types of elements as plans of libraries name them.
#pragma once

#include "dtcrt/tensor.h"

namespace dtcrt {

enum class Element : u8 { f32, bf16 };

constexpr std::size_t bytes_of(Element element) { return element == Element::f32 ? 4 : 2; }
constexpr const char *name_of(Element element) { return element == Element::f32 ? "f32" : "bf16"; }

} // namespace dtcrt
