# dtcrt_cuda: mathematics by cuDNN, cuBLASLt and kernels of its own, tensors on a GPU, ranks by NCCL and MPI. Built where the CUDA
# toolkit and cuDNN are. NCCL, MPI and zlib are used if they are there: without MPI a program serves one rank.
set(DTCRT_CUDA_ARCHITECTURES "80;90" CACHE STRING "GPUs that dtcrt_cuda is built for, by their compute capability without the point")
option(DTCRT_CUDA_LIBRARY "Build dtcrt_cuda where CUDA is" ON)
set(DTCRT_HAS_CUDA OFF)
if(NOT DTCRT_CUDA_LIBRARY)
  return()
endif()

# Where people have the toolkit without having it on their path.
find_program(DTCRT_NVCC nvcc HINTS $ENV{CUDACXX} $ENV{CUDA_HOME} $ENV{CUDA_PATH} /usr/local/cuda PATH_SUFFIXES bin)
mark_as_advanced(DTCRT_NVCC)
if(NOT DTCRT_NVCC)
  message(STATUS "No CUDA toolkit (nvcc): dtcrt_cuda is not built")
  return()
endif()
if(NOT CMAKE_CUDA_COMPILER)
  set(CMAKE_CUDA_COMPILER ${DTCRT_NVCC})
endif()
set(CMAKE_CUDA_ARCHITECTURES ${DTCRT_CUDA_ARCHITECTURES})
enable_language(CUDA)
# CMake 3.25 does not know that nvcc has it.
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()
find_package(CUDAToolkit REQUIRED)

# Python's wheels of NVIDIA's libraries (nvidia-cudnn-cu13, nvidia-nccl-cu13) hold headers too.
set(DTCRT_WHEELS)
find_program(DTCRT_PYTHON NAMES python3 python)
mark_as_advanced(DTCRT_PYTHON)
if(DTCRT_PYTHON)
  execute_process(COMMAND ${DTCRT_PYTHON} -c "import nvidia; print(';'.join(nvidia.__path__))"
                  OUTPUT_VARIABLE DTCRT_WHEELS OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
set(DTCRT_CUDNN_HINTS ${CUDAToolkit_INCLUDE_DIRS} ${CUDAToolkit_LIBRARY_DIR})
set(DTCRT_NCCL_HINTS ${DTCRT_CUDNN_HINTS})
foreach(folder ${DTCRT_WHEELS})
  list(APPEND DTCRT_CUDNN_HINTS ${folder}/cudnn)
  list(APPEND DTCRT_NCCL_HINTS ${folder}/nccl)
endforeach()
find_path(DTCRT_CUDNN_INCLUDE_DIR cudnn.h HINTS ${DTCRT_CUDNN_HINTS} PATH_SUFFIXES include)
find_library(DTCRT_CUDNN_LIBRARY NAMES cudnn libcudnn.so.9 HINTS ${DTCRT_CUDNN_HINTS} PATH_SUFFIXES lib lib64)
find_path(DTCRT_NCCL_INCLUDE_DIR nccl.h HINTS ${DTCRT_NCCL_HINTS} PATH_SUFFIXES include)
find_library(DTCRT_NCCL_LIBRARY NAMES nccl libnccl.so.2 HINTS ${DTCRT_NCCL_HINTS} PATH_SUFFIXES lib lib64)
mark_as_advanced(DTCRT_CUDNN_INCLUDE_DIR DTCRT_CUDNN_LIBRARY DTCRT_NCCL_INCLUDE_DIR DTCRT_NCCL_LIBRARY)
if(NOT DTCRT_CUDNN_INCLUDE_DIR OR NOT DTCRT_CUDNN_LIBRARY)
  message(STATUS "No cuDNN (cudnn.h, libcudnn): dtcrt_cuda is not built")
  return()
endif()
include(${CMAKE_CURRENT_LIST_DIR}/FetchCudnnFrontend.cmake)
dtcrt_fetch_cudnn_frontend()
if(NOT DTCRT_CUDNN_FRONTEND_INCLUDE_DIR)
  message(STATUS "No cudnn-frontend: dtcrt_cuda is not built")
  return()
endif()
set(DTCRT_HAS_CUDA ON)

if(CCACHE)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
endif()
file(GLOB DTCRT_CUDA_SOURCES CONFIGURE_DEPENDS lib/cuda/*.cpp lib/cuda/*.cu)
dtcrt_library(dtcrt_cuda cuda ${DTCRT_CUDA_SOURCES})
set_target_properties(dtcrt_cuda PROPERTIES CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON CUDA_ARCHITECTURES "${DTCRT_CUDA_ARCHITECTURES}")
target_compile_definitions(dtcrt_cuda PUBLIC DTCRT_CUDA)
# -fopenmp: the host's share of the work, gathering batches.
target_compile_options(dtcrt_cuda
  PUBLIC $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr>
  PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -fopenmp -O3> $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings -Xcompiler=-Wall,-fopenmp -O3>)
target_include_directories(dtcrt_cuda SYSTEM PUBLIC ${CUDAToolkit_INCLUDE_DIRS}
                           PRIVATE ${DTCRT_CUDNN_INCLUDE_DIR} ${DTCRT_CUDNN_FRONTEND_INCLUDE_DIR})
# cudnn-frontend calls NVRTC, whose place cuDNN looks up when it compiles engines.
set(DTCRT_CUDA_LINK ${DTCRT_CUDNN_LIBRARY} ${CUDA_cublasLt_LIBRARY} ${CUDA_nvrtc_LIBRARY})
if(DTCRT_NCCL_INCLUDE_DIR AND DTCRT_NCCL_LIBRARY)
  target_compile_definitions(dtcrt_cuda PRIVATE DTCRT_NCCL)
  target_include_directories(dtcrt_cuda SYSTEM PRIVATE ${DTCRT_NCCL_INCLUDE_DIR})
  list(APPEND DTCRT_CUDA_LINK ${DTCRT_NCCL_LIBRARY})
else()
  message(STATUS "No NCCL: programs of several GPUs communicate through the host's memory")
endif()
find_package(MPI QUIET COMPONENTS CXX)
if(MPI_CXX_FOUND)
  target_include_directories(dtcrt_cuda SYSTEM PRIVATE ${MPI_CXX_INCLUDE_DIRS})
  find_library(DTCRT_MPI_LIBRARY NAMES mpi HINTS ${MPI_CXX_LIBRARIES})
  list(APPEND DTCRT_CUDA_LINK ${DTCRT_MPI_LIBRARY})
else()
  message(STATUS "No MPI: programs of dtcrt_cuda serve one rank")
  target_compile_definitions(dtcrt_cuda PRIVATE DTCRT_WITHOUT_MPI)
  target_include_directories(dtcrt_cuda PRIVATE lib/absent/mpi)
endif()
find_package(ZLIB QUIET)
if(ZLIB_FOUND)
  target_include_directories(dtcrt_cuda SYSTEM PRIVATE ${ZLIB_INCLUDE_DIRS})
  list(APPEND DTCRT_CUDA_LINK ${ZLIB_LIBRARIES})
else()
  target_compile_definitions(dtcrt_cuda PRIVATE DTCRT_WITHOUT_ZLIB)
  target_include_directories(dtcrt_cuda PRIVATE lib/absent/zlib)
endif()
target_link_libraries(dtcrt_cuda PUBLIC ${DTCRT_CUDA_LINK} CUDA::cudart_static gomp ${CMAKE_DL_LIBS})

# The same for nvcc called without CMake: nvcc -I include train.cu libdtcrt_cuda.a -optf libdtcrt_cuda.args
set(rpaths)
foreach(library ${DTCRT_CUDA_LINK})
  get_filename_component(folder ${library} DIRECTORY)
  list(APPEND rpaths "-Xlinker=-rpath=${folder}")
endforeach()
list(REMOVE_DUPLICATES rpaths)
file(GENERATE OUTPUT $<TARGET_FILE_DIR:dtcrt_cuda>/libdtcrt_cuda.args CONTENT
"-std=c++20 -O3 -DNDEBUG -DDTCRT_CUDA --expt-relaxed-constexpr
$<JOIN:${DTCRT_CUDA_LINK},
>
$<JOIN:${rpaths},
>
-lgomp
")
install(TARGETS dtcrt_cuda ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES $<TARGET_FILE_DIR:dtcrt_cuda>/libdtcrt_cuda.args DESTINATION ${CMAKE_INSTALL_LIBDIR})
