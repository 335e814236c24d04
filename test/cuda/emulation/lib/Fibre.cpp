// Stacks and the switch between them: a few instructions on x86-64, <ucontext.h> elsewhere.
#include "Fibre.h"

#include <cstdint>
#include <new>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
// A kernel that fails is left in its middle, with what it holds; and MPI leaks.
extern "C" const char *__asan_default_options() { return "detect_leaks=0"; }
#endif

namespace cuda_emulation {

namespace {
constexpr std::size_t stack_bytes = 256 * 1024;
Fibre *entering = nullptr;
} // namespace

#if defined(__x86_64__)
// Saves what a call preserves on this stack, and goes on where the other stack was left.
extern "C" void cuda_emulation_switch(void **save, void *load);
asm(R"(
.text
.globl cuda_emulation_switch
.hidden cuda_emulation_switch
.type cuda_emulation_switch, @function
cuda_emulation_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size cuda_emulation_switch, .-cuda_emulation_switch
)");
#endif

Fibre::Fibre() {
  const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void *memory = mmap(nullptr, stack_bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    throw std::bad_alloc();
  mprotect(memory, page, PROT_NONE); // an overflow ends the program, and does not write elsewhere
  memory_ = static_cast<std::byte *>(memory) + page;
#if !defined(__x86_64__)
  own_ = new ucontext_t;
  caller_ = new ucontext_t;
#endif
}

Fibre::~Fibre() {
  const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  munmap(memory_ - page, stack_bytes + page);
#if !defined(__x86_64__)
  delete static_cast<ucontext_t *>(own_);
  delete static_cast<ucontext_t *>(caller_);
#endif
}

void Fibre::reset() {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(memory_, stack_bytes);
  own_fake_ = nullptr;
#endif
#if defined(__x86_64__)
  // As if switch had been called by a function that `enter` returns to: six registers, and the stack aligned as at a call.
  auto *top = reinterpret_cast<std::uintptr_t *>(memory_ + stack_bytes) - 8;
  for (int i = 0; i < 6; ++i)
    top[i] = 0;
  top[6] = reinterpret_cast<std::uintptr_t>(&Fibre::enter);
  top[7] = 0;
  own_ = top;
#else
  auto *context = static_cast<ucontext_t *>(own_);
  getcontext(context);
  context->uc_stack.ss_sp = memory_;
  context->uc_stack.ss_size = stack_bytes;
  context->uc_link = nullptr;
  makecontext(context, reinterpret_cast<void (*)()>(&Fibre::enter), 0);
#endif
}

void Fibre::start(const std::function<void()> &job) {
  // A fibre that has ended its job waits for the next one where it is.
  if (!done_ || !job_)
    reset();
  job_ = &job;
  done_ = false;
}

void Fibre::resume() {
  entering = this;
  switch_to_fibre();
}

void Fibre::yield() { switch_to_caller(); }

void Fibre::enter() { run(entering); }

void Fibre::run(Fibre *self) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &self->caller_stack_, &self->caller_bytes_);
#endif
  for (;;) {
    (*self->job_)();
    self->done_ = true;
    self->switch_to_caller();
  }
}

void Fibre::switch_to_fibre() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&caller_fake_, memory_, stack_bytes);
#endif
#if defined(__x86_64__)
  cuda_emulation_switch(&caller_, own_);
#else
  swapcontext(static_cast<ucontext_t *>(caller_), static_cast<ucontext_t *>(own_));
#endif
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(caller_fake_, nullptr, nullptr);
#endif
}

void Fibre::switch_to_caller() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&own_fake_, caller_stack_, caller_bytes_);
#endif
#if defined(__x86_64__)
  cuda_emulation_switch(&own_, caller_);
#else
  swapcontext(static_cast<ucontext_t *>(own_), static_cast<ucontext_t *>(caller_));
#endif
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(own_fake_, &caller_stack_, &caller_bytes_);
#endif
}

} // namespace cuda_emulation
