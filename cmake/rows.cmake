# Writes OUT, a C file with the tables that the rows of FILES make: whatever is defined there as
# `const agent_type NAME` or `const setting_group NAME` is a row, in the order of files and lines. So an
# addition is one file.
set(types "")
set(groups "")
foreach(file ${FILES})
  file(STRINGS ${file} lines REGEX "^const (agent_type|setting_group) [a-z0-9_]+ = ")
  foreach(line ${lines})
    string(REGEX REPLACE "^const ([a-z_]+) ([a-z0-9_]+) = .*" "\\1;\\2" row "${line}")
    list(GET row 0 kind)
    list(GET row 1 name)
    if(kind STREQUAL agent_type)
      list(APPEND types ${name})
    else()
      list(APPEND groups ${name})
    endif()
  endforeach()
endforeach()
set(text "/* Made by cmake/rows.cmake. */\n#include \"agent/agent.h\"\n\n")
foreach(name ${types})
  string(APPEND text "extern const agent_type ${name};\n")
endforeach()
foreach(name ${groups})
  string(APPEND text "extern const setting_group ${name};\n")
endforeach()
list(TRANSFORM types REPLACE "(.+)" "&\\1.is, " OUTPUT_VARIABLE algorithms)
list(TRANSFORM types REPLACE "(.+)" "&\\1, ")
list(TRANSFORM groups REPLACE "(.+)" "&\\1, ")
list(JOIN algorithms "" algorithms)
list(JOIN types "" types)
list(JOIN groups "" groups)
string(APPEND text "
const agent_type *const agent_types[] = {${types}NULL};
const algorithm *const config_algorithms[] = {${algorithms}NULL};
const setting_group *const config_groups[] = {${groups}NULL};
")
file(CONFIGURE OUTPUT ${OUT} CONTENT "${text}" @ONLY) # written where it changes
