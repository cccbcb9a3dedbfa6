# Settings of every target of ours, and the function that declares a folder of the library.
include(GNUInstallDirs)
include(CheckCXXCompilerFlag)
find_package(Threads REQUIRED)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
find_program(CCACHE ccache)
if(CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# Compile options of our own code, whoever includes the project.
function(taxon_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON
                                             CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion
                                           $<$<CONFIG:Release>:-ffunction-sections -fdata-sections>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # False alarms about "text" + std::string (GCC bug 105651, mended in 13).
    target_compile_options(${target} PRIVATE -Wno-restrict)
  endif()
  if(TAXON_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()

set_property(GLOBAL PROPERTY TAXON_PARTS "")

# taxon_part(NAME SOURCES ... [DEPENDS part ...] [PRIVATE library ...])
# A folder of the library: an object library with an include root of its own (<folder>/include). It
# sees only the include roots of the parts it depends on, so an include against the order of the
# folders does not compile.
function(taxon_part name)
  cmake_parse_arguments(PART "" "" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  add_library(taxon_${name} OBJECT ${PART_SOURCES})
  taxon_options(taxon_${name})
  if(IS_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/include")
    target_include_directories(taxon_${name} PUBLIC "${CMAKE_CURRENT_SOURCE_DIR}/include")
  endif()
  foreach(dependency IN LISTS PART_DEPENDS)
    target_link_libraries(taxon_${name} PUBLIC taxon_${dependency})
  endforeach()
  foreach(library IN LISTS PART_PRIVATE)
    # Header-only libraries and zlib: used in .cpp files only. SYSTEM: their warnings are not ours.
    target_include_directories(taxon_${name} SYSTEM PRIVATE
                               $<TARGET_PROPERTY:${library},INTERFACE_INCLUDE_DIRECTORIES>)
  endforeach()
  set_property(GLOBAL APPEND PROPERTY TAXON_PARTS taxon_${name})
endfunction()
