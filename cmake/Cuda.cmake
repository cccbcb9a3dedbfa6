# The compiler and the runtime of CUDA, and the GPUs that kernels are compiled for: machine code for
# each, and for newer ones PTX of the last, which the driver compiles.
set(TAXON_CUDA_ARCHITECTURES "75;80;86;89;90;100;120" CACHE STRING
    "Compute capabilities that the CUDA kernels are compiled for")
set(CMAKE_CUDA_ARCHITECTURES "")
foreach(architecture IN LISTS TAXON_CUDA_ARCHITECTURES)
  list(APPEND CMAKE_CUDA_ARCHITECTURES ${architecture}-real)
endforeach()
list(GET TAXON_CUDA_ARCHITECTURES -1 architecture)
list(APPEND CMAKE_CUDA_ARCHITECTURES ${architecture}-virtual)
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
# A program needs no library of CUDA's to start; the driver is found when it is first called.
set(TAXON_CUDA_LIBRARIES CUDA::cudart_static)
if(CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CUDA_COMPILER_LAUNCHER)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
endif()
