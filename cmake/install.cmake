# What is installed: the program, the library twice (shared, static), the header, mopo.pc for
# pkg-config and the target mopo::mopo for find_package(mopo).
include(CMakePackageConfigHelpers)

set(PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/mopo)
set_target_properties(mopo_static PROPERTIES OUTPUT_NAME mopo)
install(TARGETS mopo EXPORT mopoTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS mopo_static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET mopo_program)
  install(TARGETS mopo_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(FILES include/mopo/mopo.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mopo)
install(EXPORT mopoTargets NAMESPACE mopo:: DESTINATION ${PACKAGE_DIR})

configure_package_config_file(cmake/mopoConfig.cmake.in ${CMAKE_BINARY_DIR}/mopoConfig.cmake
  INSTALL_DESTINATION ${PACKAGE_DIR})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/mopoConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/mopoConfig.cmake ${CMAKE_BINARY_DIR}/mopoConfigVersion.cmake
  DESTINATION ${PACKAGE_DIR})

# The prefix in mopo.pc is known only when `cmake --install --prefix` runs.
string(JOIN " " PC_PRIVATE ${HDF5_C_LIBRARIES} ${MUJOCO_LIBRARY})
install(CODE "
  set(CMAKE_INSTALL_INCLUDEDIR \"${CMAKE_INSTALL_INCLUDEDIR}\")
  set(CMAKE_INSTALL_LIBDIR \"${CMAKE_INSTALL_LIBDIR}\")
  set(PROJECT_VERSION \"${PROJECT_VERSION}\")
  set(PROJECT_DESCRIPTION \"${PROJECT_DESCRIPTION}\")
  set(PC_PRIVATE \"${PC_PRIVATE}\")
  configure_file(\"${CMAKE_SOURCE_DIR}/cmake/mopo.pc.in\" \"${CMAKE_BINARY_DIR}/mopo.pc\" @ONLY)
")
install(FILES ${CMAKE_BINARY_DIR}/mopo.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
