# taxon_embed(TARGET NAME FILES file ...)
# Builds the contents of text files into TARGET. Code reads them as
#   #include "embedded_NAME.h"
#   for (const auto& [file, text] : taxon::embedded::NAME()) ...
# where `file` is the file's name without its folder. The generated source is made again when one of
# the files changes.
set(TAXON_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_DIR}/EmbedFiles.cmake")

function(taxon_embed target name)
  cmake_parse_arguments(EMBED "" "" "FILES" ${ARGN})
  list(TRANSFORM EMBED_FILES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/"
       REGEX "^[^/]" OUTPUT_VARIABLE files)
  set(base "${CMAKE_CURRENT_BINARY_DIR}/embedded/embedded_${name}")
  add_custom_command(
    OUTPUT ${base}.cpp ${base}.h
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DBASE=${base} "-DFILES=${files}" -P ${TAXON_EMBED_SCRIPT}
    DEPENDS ${files} ${TAXON_EMBED_SCRIPT}
    COMMENT "Embedding ${name}" VERBATIM)
  target_sources(${target} PRIVATE ${base}.cpp ${base}.h)
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/embedded")
endfunction()
