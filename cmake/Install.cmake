# What `cmake --install` copies: the library, its public headers, the package files that let other
# programs find it (CMake's and pkg-config's), the program, and the licence notices.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Taxon)

install(TARGETS taxon_library EXPORT TaxonTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
# The kernels' headers stay behind: they are the seam below the core, not an interface for programs;
# with them core's dispatch.h, by which folders of the library reach the kernels.
foreach(folder core/base core layers data metrics models train)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder}/include/
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h"
          PATTERN "dispatch.h" EXCLUDE)
endforeach()

install(EXPORT TaxonTargets NAMESPACE Taxon:: DESTINATION ${package_dir})
configure_package_config_file(cmake/TaxonConfig.cmake.in ${PROJECT_BINARY_DIR}/TaxonConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/TaxonConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/TaxonConfig.cmake ${PROJECT_BINARY_DIR}/TaxonConfigVersion.cmake
        DESTINATION ${package_dir})

# The prefix is written relative to the file itself, so that an installed tree can be moved.
file(RELATIVE_PATH TAXON_PC_PREFIX "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
if(CMAKE_DL_LIBS)
  set(TAXON_PC_LIBS "-l${CMAKE_DL_LIBS}")
endif()
configure_file(cmake/taxon.pc.in ${PROJECT_BINARY_DIR}/taxon.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/taxon.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(TARGET taxon_program)
  install(TARGETS taxon_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
file(GLOB notices ${PROJECT_SOURCE_DIR}/LICENSES/*.txt)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${notices}
        DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/taxon/licenses)
