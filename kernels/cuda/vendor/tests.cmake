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
set(parts_cuda_vendor ${parts_kernels})
taxon_test(cuda_vendor SOURCES ${vendor_tests} LIBRARIES taxon_cuda_vendor ${CMAKE_DL_LIBS})
target_include_directories(test_cuda_vendor PRIVATE ${PROJECT_SOURCE_DIR}/kernels)
# The real cuDNN, where there is one: graphs are finalised without a GPU.
find_library(TAXON_CUDNN_LIBRARY NAMES libcudnn.so.9 HINTS ENV CUDNN_PATH ENV CUDA_PATH /usr/local/cuda
             PATH_SUFFIXES lib lib64)
mark_as_advanced(TAXON_CUDNN_LIBRARY)
if(TAXON_CUDNN_LIBRARY)
  target_compile_definitions(test_cuda_vendor PRIVATE TAXON_CUDNN_LIBRARY="${TAXON_CUDNN_LIBRARY}")
endif()
