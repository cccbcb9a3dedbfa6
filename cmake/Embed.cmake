# taxon_embed(TARGET NAME [COMPRESS] FILES file ...)
# Builds the contents of text files into TARGET. Code reads them as
#   #include "embedded_NAME.h"
#   for (const auto& [file, text] : taxon::embedded::NAME()) ...
# where `file` is the file's name without its folder. COMPRESS: rows are { file, sha256, gzip }, the
# SHA-256 of the text in hexadecimal digits and the text in gzip's format. The generated source is
# made again when one of the files changes.
set(TAXON_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_DIR}/EmbedFiles.cmake")
set(TAXON_EMBED_COMPRESSED_SCRIPT "${CMAKE_CURRENT_LIST_DIR}/EmbedCompressed.cmake")

function(taxon_embed target name)
  cmake_parse_arguments(EMBED "COMPRESS" "" "FILES" ${ARGN})
  list(TRANSFORM EMBED_FILES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/"
       REGEX "^[^/]" OUTPUT_VARIABLE files)
  set(base "${CMAKE_CURRENT_BINARY_DIR}/embedded/embedded_${name}")
  set(script ${TAXON_EMBED_SCRIPT})
  if(EMBED_COMPRESS)
    set(script ${TAXON_EMBED_COMPRESSED_SCRIPT})
  endif()
  add_custom_command(
    OUTPUT ${base}.cpp ${base}.h
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DBASE=${base} "-DFILES=${files}" -P ${script}
    DEPENDS ${files} ${script}
    COMMENT "Embedding ${name}" VERBATIM)
  target_sources(${target} PRIVATE ${base}.cpp ${base}.h)
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/embedded")
endfunction()
