# What is installed, in three components, which are Debian's packages, too (make deb):
#   program  the program, manual pages, completion
#   library  the shared library, and the program that reads HDF5 for it
#   dev      the header, the archive, mopo.pc for pkg-config, the target mopo::mopo for find_package(mopo)
include(CMakePackageConfigHelpers)

set(ZSH_PLACE site-functions CACHE STRING "Where under share/zsh a completion is found")
set(PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/mopo)
set_target_properties(mopo_static PROPERTIES OUTPUT_NAME mopo)
install(TARGETS mopo EXPORT mopoTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  COMPONENT library NAMELINK_COMPONENT dev)
# The archive that is installed has one object, in which every name but the header's is local: a
# program may have a function of any name that does not begin with mopo_. Without what a debugger reads:
# the shared library has it.
set(ONE_OBJECT ${CMAKE_BINARY_DIR}/installed/mopo.o)
set(ARCHIVE ${CMAKE_BINARY_DIR}/installed/libmopo.a)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/installed)
add_custom_command(OUTPUT ${ARCHIVE} DEPENDS mopo_static
  COMMAND ${CMAKE_LINKER} -r --whole-archive $<TARGET_FILE:mopo_static> -o ${ONE_OBJECT}
  COMMAND ${CMAKE_OBJCOPY} --localize-hidden --strip-debug ${ONE_OBJECT}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${ARCHIVE}
  COMMAND ${CMAKE_AR} rcs ${ARCHIVE} ${ONE_OBJECT}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${ONE_OBJECT} VERBATIM)
add_custom_target(archive ALL DEPENDS ${ARCHIVE})
install(FILES ${ARCHIVE} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
set(HELPER_COMPONENT library)
if(MOPO_BUNDLE)
  set(HELPER_COMPONENT program) # no library there
endif()
install(TARGETS mopo_hdf5 RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/mopo
  COMPONENT ${HELPER_COMPONENT})
if(TARGET mopo_program)
  install(TARGETS mopo_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
endif()

# Manual pages and completion, printed by the program that they are about.
if(TARGET mopo_program AND NOT CMAKE_CROSSCOMPILING)
  set(MANUAL ${CMAKE_BINARY_DIR}/manual)
  file(MAKE_DIRECTORY ${MANUAL})
  set(PAGES ${MANUAL}/mopo.1)
  add_custom_command(OUTPUT ${MANUAL}/mopo.1 DEPENDS mopo_program
    COMMAND mopo_program help --man > ${MANUAL}/mopo.1)
  foreach(verb train tune eval ope collect data model export render report sweep reproduce bench)
    list(APPEND PAGES ${MANUAL}/mopo-${verb}.1)
    add_custom_command(OUTPUT ${MANUAL}/mopo-${verb}.1 DEPENDS mopo_program
      COMMAND mopo_program help --man ${verb} > ${MANUAL}/mopo-${verb}.1)
  endforeach()
  add_custom_command(OUTPUT ${MANUAL}/mopo ${MANUAL}/_mopo DEPENDS mopo_program
    COMMAND mopo_program help --bash > ${MANUAL}/mopo
    COMMAND mopo_program help --zsh > ${MANUAL}/_mopo)
  add_custom_target(manual ALL DEPENDS ${PAGES} ${MANUAL}/mopo ${MANUAL}/_mopo)
  install(FILES ${PAGES} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
  install(FILES ${MANUAL}/mopo DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
    COMPONENT program)
  install(FILES ${MANUAL}/_mopo DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/${ZSH_PLACE} COMPONENT program)
endif()
install(FILES include/mopo/mopo.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mopo COMPONENT dev)
install(EXPORT mopoTargets NAMESPACE mopo:: DESTINATION ${PACKAGE_DIR} COMPONENT dev)

configure_package_config_file(cmake/mopoConfig.cmake.in ${CMAKE_BINARY_DIR}/mopoConfig.cmake
  INSTALL_DESTINATION ${PACKAGE_DIR})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/mopoConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/mopoConfig.cmake ${CMAKE_BINARY_DIR}/mopoConfigVersion.cmake
  DESTINATION ${PACKAGE_DIR} COMPONENT dev)

# Relative to where mopo.pc is, whatever the prefix of `cmake --install` is.
file(RELATIVE_PATH PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(JOIN " " PC_PRIVATE ${HDF5_C_LIBRARIES} ${MUJOCO_LIBRARY})
set(PC_REQUIRES_PRIVATE "inih jansson muparser zlib")
if(WEBP_FOUND)
  string(APPEND PC_REQUIRES_PRIVATE " libwebp libwebpmux")
endif()
configure_file(cmake/mopo.pc.in ${CMAKE_BINARY_DIR}/mopo.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/mopo.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)

include(package)
