// A role's program: functions and buffers whose type is forgotten.
#include "dtcrt/program.h"

#include <memory>

namespace dtcrt::detail {

namespace {

class RoleProgram final : public Program {
public:
  RoleProgram(const BuffersCalls &calls, AnyFunction bind, AnyFunction step, AnyFunction evaluate, AnyFunction predict)
      : calls_(calls), bind_(bind), step_(step), evaluate_(evaluate), predict_(predict), buffers_(nullptr, calls.destroy) {}

  Binding bind(Arena &arena) override {
    buffers_.reset(calls_.make(arena));
    return calls_.bind(bind_, buffers_.get());
  }
  void step(Context &ctx) override { calls_.run(step_, ctx, buffers_.get()); }
  void evaluate(Context &ctx) override { calls_.run(evaluate_, ctx, buffers_.get()); }
  bool has_evaluate() const override { return evaluate_ != nullptr; }
  void predict(Context &ctx) override { calls_.run(predict_, ctx, buffers_.get()); }
  bool has_predict() const override { return predict_ != nullptr; }

private:
  BuffersCalls calls_;
  AnyFunction bind_, step_, evaluate_, predict_;
  std::unique_ptr<void, void (*)(void *)> buffers_;
};

} // namespace

Role with_program(const Role &facts, const BuffersCalls &calls, AnyFunction bind, AnyFunction step, AnyFunction evaluate,
                  AnyFunction predict) {
  Role role = facts;
  role.program = std::make_shared<RoleProgram>(calls, bind, step, evaluate, predict);
  return role;
}

} // namespace dtcrt::detail
