# The Python package's compiled module, mopo._mopo: cffi's source, made from the public header, and the
# library linked in. One module for all Pythons from 3.9 on (the stable interface, abi3).
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
set(MODULE_C ${CMAKE_BINARY_DIR}/_mopo.c)
add_custom_command(OUTPUT ${MODULE_C}
  COMMAND ${Python_EXECUTABLE} ${CMAKE_SOURCE_DIR}/python/build_ffi.py
    ${CMAKE_SOURCE_DIR}/include/mopo/mopo.h ${MODULE_C}
  DEPENDS ${CMAKE_SOURCE_DIR}/python/build_ffi.py ${CMAKE_SOURCE_DIR}/include/mopo/mopo.h VERBATIM)
python_add_library(mopo_python MODULE ${MODULE_C})
set_target_properties(mopo_python PROPERTIES OUTPUT_NAME _mopo SUFFIX .abi3.so)
# cffi's source is not ours to warn about
target_compile_options(mopo_python PRIVATE -w)
target_compile_definitions(mopo_python PRIVATE Py_LIMITED_API=0x03090000)
target_link_libraries(mopo_python PRIVATE mopo_static)
target_link_options(mopo_python PRIVATE -Wl,--exclude-libs,ALL -s)
install(TARGETS mopo_python LIBRARY DESTINATION mopo COMPONENT python)
