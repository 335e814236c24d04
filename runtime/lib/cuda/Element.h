// Types of elements as plans of libraries name them.
#pragma once

#include "dtcrt/tensor.h"

namespace dtcrt {

enum class Element : u8 { f32, bf16 };

template <class T> inline constexpr Element element_of = Element::f32;
template <> inline constexpr Element element_of<bf16> = Element::bf16;
constexpr const char *name_of(Element element) { return element == Element::f32 ? "f32" : "bf16"; }

} // namespace dtcrt
