# What is installed: the program, the library twice (shared, static), the header, mopo.pc for
# pkg-config and the target mopo::mopo for find_package(mopo), manual pages, completion.
include(CMakePackageConfigHelpers)

set(PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/mopo)
set_target_properties(mopo_static PROPERTIES OUTPUT_NAME mopo)
install(TARGETS mopo EXPORT mopoTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
# The archive that is installed has one object, in which every name but the header's is local: a
# program may have a function of any name that does not begin with mopo_.
set(ONE_OBJECT ${CMAKE_BINARY_DIR}/installed/mopo.o)
set(ARCHIVE ${CMAKE_BINARY_DIR}/installed/libmopo.a)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/installed)
add_custom_command(OUTPUT ${ARCHIVE} DEPENDS mopo_static
  COMMAND ${CMAKE_LINKER} -r --whole-archive $<TARGET_FILE:mopo_static> -o ${ONE_OBJECT}
  COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${ONE_OBJECT}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${ARCHIVE}
  COMMAND ${CMAKE_AR} rcs ${ARCHIVE} ${ONE_OBJECT}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${ONE_OBJECT} VERBATIM)
add_custom_target(archive ALL DEPENDS ${ARCHIVE})
install(FILES ${ARCHIVE} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS mopo_hdf5 RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/mopo)
if(TARGET mopo_program)
  install(TARGETS mopo_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# Manual pages and completion, printed by the program that they are about.
if(TARGET mopo_program AND NOT CMAKE_CROSSCOMPILING)
  set(MANUAL ${CMAKE_BINARY_DIR}/manual)
  file(MAKE_DIRECTORY ${MANUAL})
  set(PAGES ${MANUAL}/mopo.1)
  add_custom_command(OUTPUT ${MANUAL}/mopo.1 DEPENDS mopo_program
    COMMAND mopo_program help --man > ${MANUAL}/mopo.1)
  foreach(verb train eval ope collect data model export render report sweep reproduce bench)
    list(APPEND PAGES ${MANUAL}/mopo-${verb}.1)
    add_custom_command(OUTPUT ${MANUAL}/mopo-${verb}.1 DEPENDS mopo_program
      COMMAND mopo_program help --man ${verb} > ${MANUAL}/mopo-${verb}.1)
  endforeach()
  add_custom_command(OUTPUT ${MANUAL}/mopo ${MANUAL}/_mopo DEPENDS mopo_program
    COMMAND mopo_program help --bash > ${MANUAL}/mopo
    COMMAND mopo_program help --zsh > ${MANUAL}/_mopo)
  add_custom_target(manual ALL DEPENDS ${PAGES} ${MANUAL}/mopo ${MANUAL}/_mopo)
  install(FILES ${PAGES} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${MANUAL}/mopo DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${MANUAL}/_mopo DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
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
set(PC_REQUIRES_PRIVATE "inih jansson muparser zlib")
if(WEBP_FOUND)
  string(APPEND PC_REQUIRES_PRIVATE " libwebp libwebpmux")
endif()
install(CODE "
  set(CMAKE_INSTALL_INCLUDEDIR \"${CMAKE_INSTALL_INCLUDEDIR}\")
  set(CMAKE_INSTALL_LIBDIR \"${CMAKE_INSTALL_LIBDIR}\")
  set(PROJECT_VERSION \"${PROJECT_VERSION}\")
  set(PROJECT_DESCRIPTION \"${PROJECT_DESCRIPTION}\")
  set(PC_PRIVATE \"${PC_PRIVATE}\")
  set(PC_REQUIRES_PRIVATE \"${PC_REQUIRES_PRIVATE}\")
  configure_file(\"${CMAKE_SOURCE_DIR}/cmake/mopo.pc.in\" \"${CMAKE_BINARY_DIR}/mopo.pc\" @ONLY)
")
install(FILES ${CMAKE_BINARY_DIR}/mopo.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
