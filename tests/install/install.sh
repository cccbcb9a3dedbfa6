#!/usr/bin/env bash
# Installs the build into a fresh prefix, moves the prefix elsewhere (nothing may depend on where it
# was), trains a tiny model with the installed program, and builds examples/embed against it by CMake's
# find_package and by pkg-config. Both programs must name the right class of a PNG.
# Use: install.sh SOURCE BUILD IMAGES-PROGRAM;  environment: CXX, CXXFLAGS
set -euo pipefail
source=$1 build=$2 images=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

echo "== install"
cmake --install "$build" --prefix "$work/first" >install.log || { cat install.log; exit 1; }
mv first prefix
prefix=$work/prefix
for file in bin/taxon lib/libtaxon.a include/taxon/taxon.h include/taxon/core/tensor.h \
  lib/cmake/Taxon/TaxonConfig.cmake lib/pkgconfig/taxon.pc share/doc/taxon/licenses/LICENSE; do
  [ -e "$prefix/$file" ] || { echo "not installed: $file"; exit 1; }
done
if grep -rlF -e "$source" -e "$work/first" "$prefix/lib/cmake" "$prefix/lib/pkgconfig" "$prefix/include"; then
  echo "these files name a path of the machine that built them"
  exit 1
fi
"$prefix/bin/taxon" --version

echo "== train with the installed program"
"$images" data
"$prefix/bin/taxon" train data --model resnet8 --epochs 3 --batch 8 --out "$work/run" --quiet >train.log 2>&1 ||
  { cat train.log; exit 1; }
model=$work/run/best.safetensors

check() { # check PROGRAM: the example names the class first
  local class answer
  for class in bright dark; do
    answer=$("$1" "$model" "data/$class/3.png") || { echo "$1 failed: $answer"; exit 1; }
    printf '%s\n' "$answer"
    grep -q "$class" <<<"$(head -n 1 <<<"$answer")" || { echo "expected the class $class first"; exit 1; }
  done
}

echo "== find_package"
cmake -S "$source/examples/embed" -B by-cmake -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_CXX_FLAGS="${CXXFLAGS:-}" >cmake.log || { cat cmake.log; exit 1; }
cmake --build by-cmake >build.log 2>&1 || { cat build.log; exit 1; }
program=$(find by-cmake -maxdepth 1 -type f -perm -u+x | head -n 1)
check "$work/$program"

echo "== pkg-config"
if command -v pkg-config >/dev/null; then
  export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
  # shellcheck disable=SC2046,SC2086
  ${CXX:-c++} -std=c++20 ${CXXFLAGS:-} "$source"/examples/embed/*.cpp -o by-pkg-config $(pkg-config --cflags --libs taxon)
  check "$work/by-pkg-config"
else
  echo "SKIPPED: no pkg-config here"
fi
