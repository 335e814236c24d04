# dtcrt_cpu: mathematics by oneDNN, tensors in the host's memory, ranks by MPI.
include(cmake/dtcrtDependencies.cmake)
find_package(MPI REQUIRED COMPONENTS CXX) # for its headers
find_package(ZLIB REQUIRED)
find_path(DNNL_INCLUDE_DIR dnnl.hpp REQUIRED)

file(GLOB DTCRT_CPU_SOURCES CONFIGURE_DEPENDS lib/cpu/*.cpp lib/measure/*.cpp)
dtcrt_library(dtcrt_cpu cpu ${DTCRT_CPU_SOURCES})
# -fno-math-errno: nobody reads errno after exp, and without this no loop that calls exp vectorises.
target_compile_options(dtcrt_cpu PUBLIC -march=${DTCRT_MARCH} -fopenmp -fno-math-errno
                       PRIVATE -Wall -Wextra $<$<CONFIG:Release>:-O3>)
# What should be inline in programs says so (kernels and their loops). The calls of a step are statements, which g++ would take
# long to weigh.
target_compile_options(dtcrt_cpu INTERFACE -fno-inline-functions)
target_link_options(dtcrt_cpu PUBLIC -fopenmp)
target_include_directories(dtcrt_cpu SYSTEM PRIVATE ${MPI_CXX_INCLUDE_DIRS} ${DNNL_INCLUDE_DIR} ${ZLIB_INCLUDE_DIRS})
target_link_libraries(dtcrt_cpu PRIVATE dtcrt::dnnl dtcrt::mpi dtcrt::z)

# The same for a compiler called without CMake: c++ -I include train.cpp libdtcrt_cpu.a @libdtcrt_cpu.args
file(GENERATE OUTPUT $<TARGET_FILE_DIR:dtcrt_cpu>/libdtcrt_cpu.args CONTENT
"-std=c++20 -O3 -DNDEBUG
$<JOIN:$<TARGET_PROPERTY:dtcrt_cpu,INTERFACE_COMPILE_OPTIONS>,
>
$<JOIN:$<TARGET_PROPERTY:dtcrt_cpu,INTERFACE_LINK_OPTIONS>,
>
\"${DTCRT_DNNL_LIBRARY}\"
\"${DTCRT_MPI_LIBRARY}\"
\"${DTCRT_Z_LIBRARY}\"
")

# The header of emitted programs, read once: g++ takes it from -I libdtcrt_cpu.pch, before the include folder, where version and options are
# the same, and reads the header itself where they are not. For dtc in this build tree.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  file(GLOB DTCRT_HEADERS CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/include/dtcrt/*.h)
  set(DTCRT_PRECOMPILED $<TARGET_FILE_DIR:dtcrt_cpu>/libdtcrt_cpu.pch/dtcrt)
  add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/precompiled.stamp
    COMMAND ${CMAKE_COMMAND} -E make_directory ${DTCRT_PRECOMPILED}
    COMMAND ${CMAKE_CXX_COMPILER} -x c++-header -std=c++20 -O3 -DNDEBUG $<TARGET_PROPERTY:dtcrt_cpu,INTERFACE_COMPILE_OPTIONS> -w
            -I ${CMAKE_CURRENT_SOURCE_DIR}/include ${CMAKE_CURRENT_SOURCE_DIR}/include/dtcrt/program.h -o ${DTCRT_PRECOMPILED}/program.h.gch
    COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_CURRENT_BINARY_DIR}/precompiled.stamp
    DEPENDS ${DTCRT_HEADERS} COMMAND_EXPAND_LISTS VERBATIM COMMENT "Precompiling dtcrt/program.h")
  add_custom_target(dtcrt_cpu_precompiled ALL DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/precompiled.stamp)
  add_dependencies(dtcrt_cpu dtcrt_cpu_precompiled)
endif()
install(FILES $<TARGET_FILE_DIR:dtcrt_cpu>/libdtcrt_cpu.args DESTINATION ${CMAKE_INSTALL_LIBDIR})
