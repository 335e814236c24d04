// What kernels do with integers, booleans and conversions, where C++ leaves something undefined: of scalars, and of lanes side by side.
#pragma once

#include "dtcrt/lanes.h"

#include <limits>
#include <type_traits>

namespace dtcrt {

namespace detail {

/// f of scalars, or of each lane.
template <class F, class... A> DTC_HOST_DEVICE auto lanewise(F f, const A &...a) {
  if constexpr (Lanewise<A...>)
    return for_lanes<common_width<A...>()>([&](int i) { return f(lane(a, i)...); });
  else
    return f(a...);
}

template <class A, class B> using Common = std::common_type_t<A, B>;
template <class A, class B> using CommonBits = std::make_unsigned_t<Common<A, B>>;
template <class T> inline constexpr T lowest = std::numeric_limits<T>::min();
template <class T> inline constexpr T largest = std::numeric_limits<T>::max();

template <class To, class From> DTC_HOST_DEVICE To convert_one(From x) {
  if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    constexpr From bound = -static_cast<From>(lowest<To>); // a power of two, so exact
    return x != x ? To(0) : x <= -bound ? lowest<To> : x >= bound ? largest<To> : static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

} // namespace detail

/// x as another type. A number becomes an integer by cutting off what is behind the point; what is too large the largest or smallest there
/// is, NaN 0. Integers that are too large for a narrower type lose their upper bits; those that a float does not hold are rounded.
template <class To, class A> DTC_HOST_DEVICE auto convert(const A &x) {
  return detail::lanewise([](auto value) { return detail::convert_one<To>(value); }, x);
}

// Integers wrap around.
template <class A, class B> DTC_HOST_DEVICE auto wrapping_add(const A &a, const B &b) {
  return detail::lanewise(
      [](auto x, auto y) {
        using Bits = detail::CommonBits<decltype(x), decltype(y)>;
        return static_cast<std::make_signed_t<Bits>>(static_cast<Bits>(x) + static_cast<Bits>(y));
      },
      a, b);
}
template <class A, class B> DTC_HOST_DEVICE auto wrapping_sub(const A &a, const B &b) {
  return detail::lanewise(
      [](auto x, auto y) {
        using Bits = detail::CommonBits<decltype(x), decltype(y)>;
        return static_cast<std::make_signed_t<Bits>>(static_cast<Bits>(x) - static_cast<Bits>(y));
      },
      a, b);
}
template <class A, class B> DTC_HOST_DEVICE auto wrapping_mul(const A &a, const B &b) {
  return detail::lanewise(
      [](auto x, auto y) {
        using Bits = detail::CommonBits<decltype(x), decltype(y)>;
        return static_cast<std::make_signed_t<Bits>>(static_cast<Bits>(x) * static_cast<Bits>(y));
      },
      a, b);
}

/// a / b of integers, rounded towards 0, and what that leaves, with a's sign. Both are 0 where b is; the lowest integer by -1 wraps around.
template <class A, class B> DTC_HOST_DEVICE auto quotient(const A &a, const B &b) {
  return detail::lanewise(
      [](auto x, auto y) {
        using T = detail::Common<decltype(x), decltype(y)>;
        return y == 0 ? T(0) : y == -1 ? wrapping_sub(T(0), T(x)) : static_cast<T>(x / y);
      },
      a, b);
}
template <class A, class B> DTC_HOST_DEVICE auto rest(const A &a, const B &b) {
  return detail::lanewise(
      [](auto x, auto y) {
        using T = detail::Common<decltype(x), decltype(y)>;
        return y == 0 || y == -1 ? T(0) : static_cast<T>(x % y);
      },
      a, b);
}

/// a^b of integers. With a negative b, 1 / a^-b rounded towards 0; 0 where a is.
template <class A, class B> DTC_HOST_DEVICE auto integer_power(const A &a, const B &b) {
  return detail::lanewise(
      [](auto x, auto y) {
        using T = detail::Common<decltype(x), decltype(y)>;
        T base = x, exponent = y, result = 1;
        if (exponent < 0)
          return base == 1 ? T(1) : base == -1 ? T(exponent % 2 ? -1 : 1) : T(0);
        for (; exponent; exponent /= 2, base = wrapping_mul(base, base))
          if (exponent % 2)
            result = wrapping_mul(result, base);
        return result;
      },
      a, b);
}

/// The larger and the smaller of two numbers; NaN if one of them is.
template <class A, class B> DTC_HOST_DEVICE auto maximum(const A &a, const B &b) {
  return detail::lanewise([](auto x, auto y) { return x > y || x != x ? x : y; }, a, b);
}
template <class A, class B> DTC_HOST_DEVICE auto minimum(const A &a, const B &b) {
  return detail::lanewise([](auto x, auto y) { return x < y || x != x ? x : y; }, a, b);
}

} // namespace dtcrt
