# Run by CPack on what it has staged: copyright and changelog of each package, manual pages compressed,
# directories as Debian wants them.
set(top ${CMAKE_CURRENT_LIST_DIR}/..)
set(version ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
string(TIMESTAMP day "%a, %d %b %Y %H:%M:%S +0000" UTC) # of SOURCE_DATE_EPOCH, where that is set
foreach(component ${CPACK_COMPONENTS_ALL})
  string(TOUPPER ${component} upper)
  set(package ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
  set(staged ${CPACK_TEMPORARY_DIRECTORY}/${component}/usr)
  set(doc ${staged}/share/doc/${package})
  file(MAKE_DIRECTORY ${doc})
  file(WRITE ${doc}/changelog.Debian "mopo (${version}) unstable; urgency=medium\n
  * Made from the source by CPack; changelog.gz has what changed.\n
 -- ${CPACK_PACKAGE_CONTACT}  ${day}\n")
  file(READ ${top}/LICENSE license)
  string(PREPEND license "Upstream-Name: mopo\nLicense: Expat (MIT)\n\n")
  file(WRITE ${doc}/copyright "${license}")
  file(COPY_FILE ${top}/CHANGELOG.md ${doc}/changelog)
  file(GLOB pages ${staged}/share/man/man1/*.1)
  execute_process(COMMAND gzip -9nf ${doc}/changelog ${doc}/changelog.Debian ${pages} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND chmod -R u=rwX,go=rX ${CPACK_TEMPORARY_DIRECTORY}/${component}
    COMMAND_ERROR_IS_FATAL ANY)
endforeach()
