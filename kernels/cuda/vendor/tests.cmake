# The tests of vendor/: with the stand-in for both libraries, on any machine that has their headers.
# Included by tests/CMakeLists.txt.
set(vendor ${PROJECT_SOURCE_DIR}/kernels/cuda/vendor)
if(NOT TARGET taxon_cuda_vendor)
  add_subdirectory(${vendor} ${PROJECT_BINARY_DIR}/kernels/cuda/vendor)
endif()
if(NOT TARGET taxon_cuda_vendor)
  get_property(missing GLOBAL PROPERTY TAXON_CUDA_VENDOR_MISSING)
  message(STATUS "Tests of cuDNN and cuBLASLt (cuda_vendor): left out, ${missing}")
  return()
endif()
file(GLOB vendor_tests CONFIGURE_DEPENDS ${vendor}/test_*.cpp ${vendor}/standin/*.cpp)
if(NOT TAXON_NCCL_INCLUDE)
  list(FILTER vendor_tests EXCLUDE REGEX "nccl[a-z_]*.cpp$")
endif()
set(parts_cuda_vendor ${parts_kernels})
taxon_test(cuda_vendor SOURCES ${vendor_tests} LIBRARIES taxon_cuda_vendor ${CMAKE_DL_LIBS})
target_include_directories(test_cuda_vendor PRIVATE ${PROJECT_SOURCE_DIR}/kernels)
# The real cuDNN, where there is one, plans for devices that are not there. (About 15 s.)
foreach(library CUDNN:libcudnn.so.9 CUBLASLT:libcublasLt.so.13 NCCL:libnccl.so.2)
  string(REGEX MATCH "^([A-Z]+):(.*)$" _ ${library})
  find_library(TAXON_${CMAKE_MATCH_1}_LIBRARY NAMES ${CMAKE_MATCH_2} PATH_SUFFIXES lib lib64
               HINTS ENV CUDNN_PATH ENV CUDA_PATH /usr/local/cuda)
  mark_as_advanced(TAXON_${CMAKE_MATCH_1}_LIBRARY)
  if(TAXON_${CMAKE_MATCH_1}_LIBRARY)
    target_compile_definitions(test_cuda_vendor PRIVATE
      TAXON_${CMAKE_MATCH_1}_LIBRARY="${TAXON_${CMAKE_MATCH_1}_LIBRARY}")
  endif()
endforeach()
add_test(NAME cuda_vendor_real COMMAND test_cuda_vendor "[real]")
set_tests_properties(cuda_vendor_real PROPERTIES SKIP_REGULAR_EXPRESSION "SKIPPED: real"
                     # NVIDIA's libraries keep memory until the process ends, and unload parts of
                     # themselves, so that no suppression can name them. What we leave behind, the
                     # stand-in counts.
                     ENVIRONMENT "ASAN_OPTIONS=detect_leaks=0")
