// What stands before the programs of node tests: their binding, which takes tensors of any type, and the list of them.
#pragma once

#include <dtcrt/program.h>

#include <string>
#include <variant>
#include <vector>

namespace nodetests {

// <strings.h> declares a function of this name.
using dtcrt::index;
using dtcrt::Tensor, dtcrt::Arena, dtcrt::Context, dtcrt::Init, dtcrt::Share;

using AnyTensor = std::variant<std::monostate, Tensor<dtcrt::f32>, Tensor<dtcrt::i64>, Tensor<dtcrt::i32>, Tensor<bool>>;

/// In the place of the runtime's: found first where the programs name it.
struct Binding {
  struct Named {
    std::string name;
    AnyTensor tensor;
  };
  std::vector<Named> inputs{};
  Tensor<dtcrt::f32> weight{}, loss{};
  std::vector<Named> kept{};

  template <class T> void add_parameter(const Tensor<T> &tensor, const Init &, const std::vector<Share> & = {}) { add(tensor.name(), tensor); }
  template <class T> void add_parameter(const char *name, const Tensor<T> &tensor, const Init &, const std::vector<Share> & = {}) { add(name, tensor); }
  template <class T> void add_state(const Tensor<T> &tensor, double = 0, const std::vector<Share> & = {}) { add(tensor.name(), tensor); }
  template <class T> void add_state(const char *name, const Tensor<T> &tensor, double = 0, const std::vector<Share> & = {}) { add(name, tensor); }
  void add(const char *name, const AnyTensor &tensor);
};

/// One test's program, with its buffers' type forgotten.
struct Entry {
  using Function = void (*)();
  Entry(const char *name, std::size_t arena_bytes, void *(*make)(Arena &), Binding (*call_bind)(Function, void *),
        void (*call_step)(Function, Context &, void *), Function bind, Function step);
  const char *name;
  std::size_t arena_bytes;
  void *(*make)(Arena &);
  Binding (*call_bind)(Function, void *);
  void (*call_step)(Function, Context &, void *);
  Function bind, step;
};

template <class Buffers>
Entry entryOf(const char *name, std::size_t arena_bytes, Binding (*bind)(Buffers &), void (*step)(Context &, Buffers &)) {
  return {name, arena_bytes, [](Arena &arena) -> void * { return new Buffers{arena}; },
          [](Entry::Function f, void *buffers) { return reinterpret_cast<Binding (*)(Buffers &)>(f)(*static_cast<Buffers *>(buffers)); },
          [](Entry::Function f, Context &ctx, void *buffers) {
            reinterpret_cast<void (*)(Context &, Buffers &)>(f)(ctx, *static_cast<Buffers *>(buffers));
          },
          reinterpret_cast<Entry::Function>(bind), reinterpret_cast<Entry::Function>(step)};
}

} // namespace nodetests
