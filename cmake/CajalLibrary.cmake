# cajal_library(NAME ops DEPS tensor base [THIRD_PARTY DNNL::dnnl ...] [PUBLIC_THIRD_PARTY fmt::fmt ...])
#
# One folder of src/ = one static library. DEPS are the layers its files may include, of which
# tools/check_layers.py is the truth. THIRD_PARTY headers stay in .cc files; PUBLIC_THIRD_PARTY
# ones appear in headers. Files named *_test.cc become one test binary, <name>_test; files named
# *_fuzz.cc one fuzz program each (its corpus in the folder of the same name beside it).
#
# The presets of ./check compile the files of a target in batches (CMAKE_UNITY_BUILD), which parses each
# header once a batch: names in unnamed namespaces have to differ within a target. APART is a regular
# expression of a library's files that stay alone: look-alikes with names in common, and kernels that
# Highway includes once per instruction set. The other presets compile every file of a library alone,
# and only tests in batches.
function(cajal_library)
  cmake_parse_arguments(ARG "" "NAME;APART" "DEPS;SOURCES;THIRD_PARTY;PUBLIC_THIRD_PARTY;TEST_DEPS" ${ARGN})
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  if(ARG_APART)
    set(apart ${files})
    list(FILTER apart INCLUDE REGEX "${ARG_APART}")
    list(FILTER apart EXCLUDE REGEX "_test\\.cc$")
    set_source_files_properties(${apart} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
  list(FILTER files EXCLUDE REGEX "/(cuda|python)/")
  set(tests ${files})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(fuzzers ${files})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  list(FILTER files EXCLUDE REGEX "(_(test|fuzz)|/(fuzz_)?main)\\.cc$")
  list(APPEND files ${ARG_SOURCES})
  list(TRANSFORM ARG_DEPS PREPEND cajal_)
  if(files)
    add_library(cajal_${ARG_NAME} STATIC ${files})
    target_include_directories(cajal_${ARG_NAME} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(cajal_${ARG_NAME} PUBLIC ${ARG_DEPS} ${ARG_PUBLIC_THIRD_PARTY}
                          PRIVATE cajal_warnings ${ARG_THIRD_PARTY})
  else()
    add_library(cajal_${ARG_NAME} INTERFACE)
    target_include_directories(cajal_${ARG_NAME} INTERFACE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(cajal_${ARG_NAME} INTERFACE ${ARG_DEPS} ${ARG_PUBLIC_THIRD_PARTY})
  endif()
  if(tests AND BUILD_TESTING)
    add_executable(${ARG_NAME}_test ${tests})
    target_compile_options(${ARG_NAME}_test PRIVATE $<$<CONFIG:Release>:-O1> $<$<CONFIG:Debug>:-O0>)  # quicker to build
    set_target_properties(${ARG_NAME}_test PROPERTIES UNITY_BUILD ON)
    target_link_libraries(${ARG_NAME}_test PRIVATE cajal_${ARG_NAME} cajal_testing cajal_warnings GTest::gmock_main ${ARG_TEST_DEPS})
    add_dependencies(cajal_tests ${ARG_NAME}_test)
    gtest_discover_tests(${ARG_NAME}_test NO_PRETTY_VALUES DISCOVERY_MODE PRE_TEST
                         TEST_PREFIX "${ARG_NAME}/" PROPERTIES TIMEOUT 300)
  endif()
  foreach(source ${fuzzers})
    cajal_fuzzer(${source} cajal_${ARG_NAME})
  endforeach()
endfunction()

# A fuzz target: under the fuzz preset a libFuzzer program; elsewhere the same source with
# testing/fuzz_main.cc runs the committed corpus as a test.
function(cajal_fuzzer source library)
  get_filename_component(name ${source} NAME_WE)
  get_filename_component(folder ${source} DIRECTORY)
  if(CAJAL_FUZZ)
    add_executable(${name} ${source})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  elseif(BUILD_TESTING)
    add_executable(${name} ${source} ${PROJECT_SOURCE_DIR}/src/testing/fuzz_main.cc)
    add_dependencies(cajal_tests ${name})
    add_test(NAME fuzz/${name} COMMAND ${name} ${folder}/${name})
  else()
    return()
  endif()
  target_link_libraries(${name} PRIVATE ${library} cajal_warnings)
endfunction()
