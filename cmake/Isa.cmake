# Kernel files that are compiled once per instruction set. Such a file (NAME.isa.cpp) holds only
# intrinsics or vector types and helpers in an anonymous namespace, and puts what it exports into the
# namespace taxon::kernels::TAXON_ISA, which is defined here.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
  set(TAXON_ISAS baseline avx2 avx512 CACHE INTERNAL "")
else()
  set(TAXON_ISAS baseline CACHE INTERNAL "")
endif()
set(TAXON_ISA_FLAGS_baseline "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
  set(TAXON_ISA_FLAGS_baseline -O2)  # next to AVX2 and AVX-512: seldom used, so small
endif()
set(TAXON_ISA_FLAGS_avx2 -mavx2 -mfma -mf16c -mbmi2)
set(TAXON_ISA_FLAGS_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c -mbmi2
                           -mprefer-vector-width=512)
set(TAXON_ISA_FLAGS_avx512bf16 ${TAXON_ISA_FLAGS_avx512} -mavx512bf16)
set(TAXON_ISA_FLAGS_amx ${TAXON_ISA_FLAGS_avx512bf16} -mamx-tile -mamx-bf16)

# taxon_isa_sources(TARGET ISAS isa ... FILES file ...): compiles each file once per ISA into objects
# of TARGET.
function(taxon_isa_sources target)
  cmake_parse_arguments(ARG "" "" "ISAS;FILES" ${ARGN})
  foreach(isa IN LISTS ARG_ISAS)
    if(NOT isa IN_LIST TAXON_ISAS AND NOT isa MATCHES "avx512bf16|amx")
      continue()
    endif()
    set(part ${target}_${isa})
    if(NOT TARGET ${part})
      add_library(${part} OBJECT)
      taxon_options(${part})
      target_compile_definitions(${part} PRIVATE TAXON_ISA=${isa} TAXON_ISA_${isa}=1)
      target_compile_options(${part} PRIVATE -O3 -ffp-contract=fast -fno-math-errno -fno-trapping-math
                                             -fno-exceptions -fno-rtti -fno-asynchronous-unwind-tables
                                             ${TAXON_ISA_FLAGS_${isa}})
      target_include_directories(${part} PRIVATE
        $<TARGET_PROPERTY:${target},INTERFACE_INCLUDE_DIRECTORIES>)
      set_property(GLOBAL APPEND PROPERTY TAXON_PARTS ${part})
      set_property(GLOBAL APPEND PROPERTY TAXON_ISA_PARTS ${part})
    endif()
    target_sources(${part} PRIVATE ${ARG_FILES})
  endforeach()
endfunction()
