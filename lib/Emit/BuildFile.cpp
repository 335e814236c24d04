// How the emitted folder builds itself.
#include "dtc/Emit/Emit.h"

void dtc::emit::emitBuildFile(Programs programs, llvm::raw_ostream &os) {
  os << R"(# Builds this program against dtc's runtime:
#   cmake -S . -B build -DCMAKE_PREFIX_PATH=<where dtc is installed> && cmake --build build
cmake_minimum_required(VERSION 3.25)
project(train LANGUAGES CXX)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
find_package(dtcrt REQUIRED)
add_executable(train train.cpp)
target_link_libraries(train PRIVATE dtcrt::cpu)
)";
  if (hasStoredParameters(programs))
    os << R"(# The program looks for its stored parameters beside itself.
configure_file(parameters.safetensors ${CMAKE_CURRENT_BINARY_DIR}/parameters.safetensors COPYONLY)
)";
}
