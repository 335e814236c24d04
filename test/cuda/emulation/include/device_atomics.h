// Atomic operations. A thread gives way only at barriers, so reading and then writing is atomic.
#pragma once

template <class T> T atomicExch(T *address, T value) {
  const T old = *address;
  *address = value;
  return old;
}
template <class T> T atomicCAS(T *address, T compare, T value) {
  const T old = *address;
  if (old == compare)
    *address = value;
  return old;
}

#define EMULATION_ATOMIC(name, T, result)                                                                                              \
  inline T name(T *address, T value) {                                                                                                 \
    const T old = *address;                                                                                                            \
    *address = result;                                                                                                                 \
    return old;                                                                                                                        \
  }
#define EMULATION_ATOMICS(T)                                                                                                           \
  EMULATION_ATOMIC(atomicAdd, T, old + value)                                                                                          \
  EMULATION_ATOMIC(atomicMin, T, old < value ? old : value)                                                                            \
  EMULATION_ATOMIC(atomicMax, T, old < value ? value : old)                                                                            \
  EMULATION_ATOMIC(atomicAnd, T, old &value)                                                                                           \
  EMULATION_ATOMIC(atomicOr, T, old | value)                                                                                           \
  EMULATION_ATOMIC(atomicXor, T, old ^ value)
EMULATION_ATOMICS(int)
EMULATION_ATOMICS(unsigned int)
EMULATION_ATOMICS(unsigned long long)
EMULATION_ATOMIC(atomicMin, long long, old < value ? old : value)
EMULATION_ATOMIC(atomicMax, long long, old < value ? value : old)
EMULATION_ATOMIC(atomicAdd, float, old + value)
EMULATION_ATOMIC(atomicAdd, double, old + value)
EMULATION_ATOMIC(atomicSub, int, old - value)
EMULATION_ATOMIC(atomicSub, unsigned int, old - value)
EMULATION_ATOMIC(atomicInc, unsigned int, old >= value ? 0 : old + 1)
EMULATION_ATOMIC(atomicDec, unsigned int, old == 0 || old > value ? value : old - 1)
#undef EMULATION_ATOMICS
#undef EMULATION_ATOMIC
