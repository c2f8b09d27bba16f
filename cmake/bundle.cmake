# LIBS for a program that runs wherever it is unpacked (make dist): archives instead of shared libraries. They
# are not made to be part of a shared library, so there is no libmopo.so.
# muParser, of which Debian has no archive, is copied next to ours, with the OpenMP that it wants.
set(LIBS "")
set(names inih jansson z)
if(MOPO_HDF5)
  list(PREPEND names hdf5_serial sz aec)
endif()
foreach(name ${names})
  find_library(BUNDLE_${name} NAMES lib${name}.a REQUIRED)
  list(APPEND LIBS ${BUNDLE_${name}})
endforeach()
foreach(soname libmuparser.so.2 libgomp.so.1)
  find_library(BUNDLE_${soname} NAMES ${soname} REQUIRED)
  file(REAL_PATH ${BUNDLE_${soname}} file)
  install(FILES ${file} DESTINATION lib RENAME ${soname} COMPONENT program)
endforeach()
list(APPEND LIBS ${BUNDLE_libmuparser.so.2} Threads::Threads ${CMAKE_DL_LIBS} m)
# An old tag, since it is in force for what muParser wants, too.
add_link_options(-Wl,--as-needed -Wl,--exclude-libs,ALL -Wl,--disable-new-dtags)
set(CMAKE_INSTALL_RPATH $ORIGIN/../lib $ORIGIN/../../lib)
# Who wrote what is inside.
foreach(package libhdf5-dev libaec-dev libinih-dev libjansson-dev zlib1g-dev libmuparser2v5 libgomp1)
  install(FILES /usr/share/doc/${package}/copyright DESTINATION share/doc/mopo/licenses
    RENAME ${package} OPTIONAL COMPONENT program)
endforeach()
install(FILES LICENSE CHANGELOG.md DESTINATION share/doc/mopo COMPONENT program)
