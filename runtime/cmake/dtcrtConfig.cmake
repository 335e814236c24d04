# find_package(dtcrt): the target dtcrt::cpu.
include(${CMAKE_CURRENT_LIST_DIR}/dtcrtDependencies.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/dtcrtTargets.cmake)
