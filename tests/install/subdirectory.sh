#!/usr/bin/env bash
# Taxon inside another project by add_subdirectory: neither program nor tests become targets, and the
# example builds and links. With `quick`, only the first folder of the library is built; the whole
# library takes minutes.
# Use: subdirectory.sh SOURCE quick|full;  environment: CXX, CXXFLAGS
set -euo pipefail
source=$1 how=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >CMakeLists.txt <<TEXT
cmake_minimum_required(VERSION 3.25)
project(Host LANGUAGES CXX)
add_subdirectory("$source" taxon)
foreach(target taxon_program test_core)
  if(TARGET \${target})
    message(FATAL_ERROR "\${target} was added to a host project that did not ask for it")
  endif()
endforeach()
file(GLOB sources "$source/examples/embed/*.cpp")
add_executable(host \${sources})
target_link_libraries(host PRIVATE Taxon::taxon)
TEXT
launcher=()
if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS="${CXXFLAGS:-}" "${launcher[@]}" >cmake.log ||
  { cat cmake.log; exit 1; }
if [ "$how" = full ]; then targets=host; else targets=taxon_base; fi
cmake --build build --target "$targets" >build.log 2>&1 || { tail -n 40 build.log; exit 1; }
if [ "$how" = full ]; then
  status=0
  build/host missing.safetensors missing.png >host.log 2>&1 || status=$?
  [ "$status" -ne 0 ] && [ "$status" -lt 126 ] || { echo "the example ended with $status"; cat host.log; exit 1; }
fi
echo "add_subdirectory ($how): in order"
