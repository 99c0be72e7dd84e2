# An include that the architecture forbids fails the build; looked at again when a source changes.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*.h ${PROJECT_SOURCE_DIR}/src/*.cc)
  set(stamp ${PROJECT_BINARY_DIR}/layers.ok)
  add_custom_command(OUTPUT ${stamp} DEPENDS ${sources} ${PROJECT_SOURCE_DIR}/tools/check_layers.py
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/check_layers.py ${PROJECT_SOURCE_DIR}/src
    COMMAND ${CMAKE_COMMAND} -E touch ${stamp} COMMENT "Checking the layers")
  add_custom_target(check_layers ALL DEPENDS ${stamp})
endif()
