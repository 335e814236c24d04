// How the emitted folder builds itself.
#include "dtc/Emit/Emit.h"

#include "llvm/ADT/StringExtras.h"

using namespace dtc::emit;

/// Refuses folders whose paths CMake, or a tool that it writes files for, takes for something else: those with one of some characters.
/// `more`: of other tools, as they stand in a bracket expression.
static void printPathCheck(llvm::StringRef more, llvm::raw_ostream &os) {
  os << R"(set(unusable "[\";|\n)" << more << R"(]")
if(CMAKE_GENERATOR MATCHES "Makefiles")
  set(unusable "[\";|\n\t:[)" << more << R"(]")
endif()
foreach(folder "${CMAKE_CURRENT_SOURCE_DIR}" "${CMAKE_CURRENT_BINARY_DIR}")
  string(REGEX MATCH "${unusable}" found "${folder}")
  if(NOT found STREQUAL "")
    message(FATAL_ERROR "CMake cannot build in '${folder}': copy the folder to a path without '${found}'")
  endif()
endforeach()
)";
}

/// Against an installed runtime.
static void printForCPU(llvm::raw_ostream &os) {
  os << R"(# Builds this program against dtc's runtime:
#   cmake -S . -B build -DCMAKE_PREFIX_PATH=<where dtc is installed> && cmake --build build
cmake_minimum_required(VERSION 3.25)
)";
  printPathCheck("", os);
  os << R"(project(train LANGUAGES CXX)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
find_package(dtcrt REQUIRED)
add_executable(train train.cpp)
target_link_libraries(train PRIVATE dtcrt::cpu)
)";
}

/// With the runtime's sources beside it: nothing of dtc is needed.
static void printForCUDA(const SourceOptions &options, llvm::raw_ostream &os) {
  os << R"(# Builds this program and the runtime beside it with the CUDA toolkit and cuDNN:
#   cmake -S . -B build && cmake --build build --parallel
# NCCL, MPI and zlib are used where they are; without MPI the program serves one rank.
cmake_minimum_required(VERSION 3.25)
)";
  printPathCheck("$`[", os);
  os << R"(find_program(CMAKE_CUDA_COMPILER nvcc HINTS $ENV{CUDA_HOME} $ENV{CUDA_PATH} /usr/local/cuda PATH_SUFFIXES bin)
set(DTCRT_CUDA_ARCHITECTURES ")"
     << llvm::join(options.architectures, ";") << R"(" CACHE STRING "GPUs to build for, by compute capability without its point")
set(CMAKE_CUDA_ARCHITECTURES ${DTCRT_CUDA_ARCHITECTURES})
project(train LANGUAGES CXX CUDA)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(DTCRT_TESTS OFF)
add_subdirectory(runtime)
if(NOT TARGET dtcrt::cuda)
  message(FATAL_ERROR "dtcrt_cuda cannot be built on this machine; the lines above say what is missing")
endif()
add_executable(train train.cu)
target_compile_options(train PRIVATE -std=c++20) # which not every CMake knows that nvcc knows
target_link_libraries(train PRIVATE dtcrt::cuda)
)";
}

void dtc::emit::emitBuildFile(Programs programs, const SourceOptions &options,
                              llvm::raw_ostream &os) {
  if (options.target->bringsRuntime)
    printForCUDA(options, os);
  else
    printForCPU(os);
  if (hasStoredParameters(programs))
    os << R"(# The program looks for its stored parameters beside itself.
configure_file(parameters.safetensors "${CMAKE_CURRENT_BINARY_DIR}/parameters.safetensors" COPYONLY)
)";
}
