# NVIDIA's cudnn-frontend, the header-only way to cuDNN's graph API: dtcrt_fetch_cudnn_frontend() sets
# DTCRT_CUDNN_FRONTEND_INCLUDE_DIR to the folder that holds cudnn_frontend.h. It is, in this order: where the cache variable of
# that name says; third_party/include beside this file's folder (a carried copy of the runtime); the headers of NVIDIA's wheel,
# which pip downloads once into the build tree. Where none of them can be had the variable is empty and one line says why.
# Call it only where CUDA is.
set(DTCRT_CUDNN_FRONTEND_VERSION 1.32.0)
# One wheel for all machines, whatever their Python: only its headers are used.
set(DTCRT_CUDNN_FRONTEND_WHEEL --python-version 3.11 --implementation cp --abi cp311 --platform manylinux_2_28_x86_64)
set(DTCRT_CUDNN_FRONTEND_SHA256 c6006556017a4d1c914c52a556c71b1267f2d6a0500f742e7b4edef539878df0)
set(DTCRT_CARRIED_INCLUDE_DIR ${CMAKE_CURRENT_LIST_DIR}/../third_party/include)

function(dtcrt_fetch_cudnn_frontend)
  set(DTCRT_CUDNN_FRONTEND_INCLUDE_DIR "" CACHE PATH "Folder of cudnn_frontend.h; empty: fetched with pip when CUDA is there")
  set(found "${DTCRT_CUDNN_FRONTEND_INCLUDE_DIR}")
  if(found AND NOT EXISTS ${found}/cudnn_frontend.h)
    message(FATAL_ERROR "DTCRT_CUDNN_FRONTEND_INCLUDE_DIR is '${found}', where no cudnn_frontend.h is")
  endif()
  if(NOT found AND EXISTS ${DTCRT_CARRIED_INCLUDE_DIR}/cudnn_frontend.h)
    get_filename_component(found ${DTCRT_CARRIED_INCLUDE_DIR} ABSOLUTE)
  endif()
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/third_party/cudnn-frontend-${DTCRT_CUDNN_FRONTEND_VERSION})
  if(NOT found AND EXISTS ${folder}/include/cudnn_frontend.h)
    set(found ${folder}/include)
  endif()
  if(NOT found)
    _dtcrt_download_cudnn_frontend(${folder} problem)
    if(problem)
      message(STATUS "No cudnn-frontend: ${problem}. Unpack nvidia-cudnn-frontend ${DTCRT_CUDNN_FRONTEND_VERSION} and name its "
                     "folder include with -DDTCRT_CUDNN_FRONTEND_INCLUDE_DIR=...")
    else()
      set(found ${folder}/include)
      message(STATUS "Fetched cudnn-frontend ${DTCRT_CUDNN_FRONTEND_VERSION}")
    endif()
  endif()
  set(DTCRT_CUDNN_FRONTEND_INCLUDE_DIR "${found}" PARENT_SCOPE)
endfunction()

# Downloads and unpacks into `folder`, which appears whole or not at all; `problem` is a line if that failed.
function(_dtcrt_download_cudnn_frontend folder problem)
  find_program(DTCRT_PYTHON NAMES python3 python)
  mark_as_advanced(DTCRT_PYTHON)
  if(NOT DTCRT_PYTHON)
    set(${problem} "there is no python3 to fetch it with" PARENT_SCOPE)
    return()
  endif()
  set(work ${folder}.partial)
  file(REMOVE_RECURSE ${work})
  # pip compares the checksum.
  file(WRITE ${work}/requirements.txt
       "nvidia-cudnn-frontend==${DTCRT_CUDNN_FRONTEND_VERSION} --hash=sha256:${DTCRT_CUDNN_FRONTEND_SHA256}\n")
  execute_process(
    COMMAND ${DTCRT_PYTHON} -m pip --disable-pip-version-check --retries 1 download --quiet --no-deps --require-hashes
            --only-binary=:all: ${DTCRT_CUDNN_FRONTEND_WHEEL} --dest ${work} --requirement ${work}/requirements.txt
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output TIMEOUT 120)
  file(GLOB wheel ${work}/*.whl)
  if(NOT status EQUAL 0 OR NOT wheel)
    # pip's first line with the word ERROR says most.
    string(REGEX MATCH "ERROR: [^\n]*" line "${output}")
    if(NOT line)
      set(line "status ${status}")
    endif()
    set(${problem} "pip could not download nvidia-cudnn-frontend ${DTCRT_CUDNN_FRONTEND_VERSION} (${line})" PARENT_SCOPE)
    file(REMOVE_RECURSE ${work})
    return()
  endif()
  file(ARCHIVE_EXTRACT INPUT ${wheel} DESTINATION ${work}/all PATTERNS "include/*.h" "include/*.hpp" "include/*LICENSE*" "*/licenses/LICENSE-MIT.txt")
  file(MAKE_DIRECTORY ${folder})
  file(REMOVE_RECURSE ${folder}/include)
  file(RENAME ${work}/all/include ${folder}/include)
  file(GLOB license ${work}/all/*.dist-info/licenses/LICENSE-MIT.txt)
  file(COPY ${license} DESTINATION ${folder}/include/cudnn_frontend)
  file(REMOVE_RECURSE ${work})
endfunction()
