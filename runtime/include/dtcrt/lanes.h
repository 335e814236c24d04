// Neighbouring elements as one value: the arithmetic of kernels whose threads have several elements each.
//
// A kernel's body is written for one element, its innermost coordinate is an `auto`. Given an index it works on floats; given
// Lanes<4> it works on four neighbours at once: positions in memory become Lanes or StridedLanes, elements become Vector<f32, 4>.
#pragma once

#include "dtcrt/tensor.h"

#include <math.h> // the float functions by their short names
#include <type_traits>

#if defined(__CUDACC__)
#define DTC_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define DTC_HOST_DEVICE inline __attribute__((always_inline))
#endif
#if defined(__CUDA_ARCH__)
#define DTC_UNROLL _Pragma("unroll")
#elif defined(__CUDACC__)
#define DTC_UNROLL // the host's half of what nvcc compiles
#else
#define DTC_UNROLL _Pragma("GCC unroll 16")
#endif

namespace dtcrt {

/// The coordinates first, first + 1, ..., first + W - 1: also positions in memory, side by side.
template <int W> struct Lanes {
  index first;
};

/// The positions first, first + stride, ..., first + (W - 1) * stride.
template <int W> struct StridedLanes {
  index first, stride;
};

template <int W> DTC_HOST_DEVICE Lanes<W> operator+(Lanes<W> a, index b) { return {a.first + b}; }
template <int W> DTC_HOST_DEVICE Lanes<W> operator+(index a, Lanes<W> b) { return {a + b.first}; }
template <int W> DTC_HOST_DEVICE StridedLanes<W> operator*(Lanes<W> a, index b) { return {a.first * b, b}; }
template <int W> DTC_HOST_DEVICE StridedLanes<W> operator+(StridedLanes<W> a, index b) { return {a.first + b, a.stride}; }
template <int W> DTC_HOST_DEVICE StridedLanes<W> operator+(index a, StridedLanes<W> b) { return {a + b.first, b.stride}; }

/// One value for each lane, in registers.
template <class T, int W> struct Vector {
  T lane[W];
};

namespace detail {

template <class T> inline constexpr int width = 0; ///< lanes of a type; 0: a scalar, the same in every lane
template <class T, int W> inline constexpr int width<Vector<T, W>> = W;

template <class T> DTC_HOST_DEVICE T lane(T scalar, int) { return scalar; }
template <class T, int W> DTC_HOST_DEVICE T lane(const Vector<T, W> &vector, int i) { return vector.lane[i]; }

template <class... A> constexpr int common_width() {
  int result = 0;
  ((result = width<A> ? width<A> : result), ...);
  return result;
}

/// Vectors and scalars, at least one vector, all vectors of one width.
template <class... A>
concept Lanewise = ((width<A> > 0) || ...) && ((width<A> == 0 || width<A> == common_width<A...>()) && ...);

/// f(i) for each lane.
template <int W, class F> DTC_HOST_DEVICE auto for_lanes(F f) {
  Vector<decltype(f(0)), W> result;
  DTC_UNROLL
  for (int i = 0; i < W; ++i)
    result.lane[i] = f(i);
  return result;
}

} // namespace detail

#define DTC_LANEWISE_OPERATOR(op)                                                                                        \
  template <class A, class B>                                                                                            \
    requires detail::Lanewise<A, B>                                                                                      \
  DTC_HOST_DEVICE auto operator op(const A &a, const B &b) {                                                             \
    return detail::for_lanes<detail::common_width<A, B>()>([&](int i) { return detail::lane(a, i) op detail::lane(b, i); }); \
  }
DTC_LANEWISE_OPERATOR(+)
DTC_LANEWISE_OPERATOR(-)
DTC_LANEWISE_OPERATOR(*)
DTC_LANEWISE_OPERATOR(/)
DTC_LANEWISE_OPERATOR(==)
DTC_LANEWISE_OPERATOR(!=)
DTC_LANEWISE_OPERATOR(<)
DTC_LANEWISE_OPERATOR(<=)
DTC_LANEWISE_OPERATOR(>)
DTC_LANEWISE_OPERATOR(>=)
DTC_LANEWISE_OPERATOR(&)
DTC_LANEWISE_OPERATOR(|)
DTC_LANEWISE_OPERATOR(^)
#undef DTC_LANEWISE_OPERATOR

template <class T, int W> DTC_HOST_DEVICE Vector<T, W> operator-(const Vector<T, W> &a) {
  return detail::for_lanes<W>([&](int i) { return -a.lane[i]; });
}
template <class T, int W> DTC_HOST_DEVICE Vector<bool, W> operator!(const Vector<T, W> &a) {
  return detail::for_lanes<W>([&](int i) { return !a.lane[i]; });
}
template <class T, int W> DTC_HOST_DEVICE Vector<T, W> operator~(const Vector<T, W> &a) {
  return detail::for_lanes<W>([&](int i) { return ~a.lane[i]; });
}

// The functions that kernels call, for vectors beside the C library's for floats. (`using`: code in this namespace sees both.)
#define DTC_LANEWISE_FUNCTION(name)                                                     \
  using ::name;                                                                         \
  template <int W> DTC_HOST_DEVICE Vector<f32, W> name(const Vector<f32, W> &a) {       \
    return detail::for_lanes<W>([&](int i) { return ::name(a.lane[i]); });              \
  }
DTC_LANEWISE_FUNCTION(expf)
DTC_LANEWISE_FUNCTION(expm1f)
DTC_LANEWISE_FUNCTION(logf)
DTC_LANEWISE_FUNCTION(log1pf)
DTC_LANEWISE_FUNCTION(sqrtf)
DTC_LANEWISE_FUNCTION(tanhf)
DTC_LANEWISE_FUNCTION(erff)
DTC_LANEWISE_FUNCTION(fabsf)
DTC_LANEWISE_FUNCTION(floorf)
DTC_LANEWISE_FUNCTION(ceilf)
DTC_LANEWISE_FUNCTION(rintf)
DTC_LANEWISE_FUNCTION(sinf)
DTC_LANEWISE_FUNCTION(cosf)
DTC_LANEWISE_FUNCTION(tanf)
DTC_LANEWISE_FUNCTION(asinf)
DTC_LANEWISE_FUNCTION(acosf)
DTC_LANEWISE_FUNCTION(atanf)
DTC_LANEWISE_FUNCTION(sinhf)
DTC_LANEWISE_FUNCTION(coshf)
DTC_LANEWISE_FUNCTION(asinhf)
DTC_LANEWISE_FUNCTION(acoshf)
DTC_LANEWISE_FUNCTION(atanhf)
#undef DTC_LANEWISE_FUNCTION

#define DTC_LANEWISE_FUNCTION_OF_TWO(name)                                                                                         \
  using ::name;                                                                                                                    \
  template <class A, class B>                                                                                                      \
    requires detail::Lanewise<A, B>                                                                                                \
  DTC_HOST_DEVICE auto name(const A &a, const B &b) {                                                                              \
    return detail::for_lanes<detail::common_width<A, B>()>([&](int i) { return ::name(detail::lane(a, i), detail::lane(b, i)); }); \
  }
DTC_LANEWISE_FUNCTION_OF_TWO(powf)
DTC_LANEWISE_FUNCTION_OF_TWO(fmodf)
#undef DTC_LANEWISE_FUNCTION_OF_TWO

/// Whether one of the two is no number, and whether the two are numbers that differ.
template <class A, class B> DTC_HOST_DEVICE auto unordered(const A &a, const B &b) {
  if constexpr (detail::Lanewise<A, B>)
    return detail::for_lanes<detail::common_width<A, B>()>([&](int i) { return unordered(detail::lane(a, i), detail::lane(b, i)); });
  else
    return a != a || b != b;
}
template <class A, class B> DTC_HOST_DEVICE auto less_or_greater(const A &a, const B &b) {
  if constexpr (detail::Lanewise<A, B>)
    return detail::for_lanes<detail::common_width<A, B>()>([&](int i) { return less_or_greater(detail::lane(a, i), detail::lane(b, i)); });
  else
    return a < b || a > b;
}

/// condition ? a : b in every lane; both are computed.
template <class C, class A, class B> DTC_HOST_DEVICE auto select(const C &condition, const A &a, const B &b) {
  if constexpr (detail::Lanewise<C, A, B>)
    return detail::for_lanes<detail::common_width<C, A, B>()>(
        [&](int i) { return detail::lane(condition, i) ? detail::lane(a, i) : detail::lane(b, i); });
  else
    return condition ? a : b;
}

} // namespace dtcrt
