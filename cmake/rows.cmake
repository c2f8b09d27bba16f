# Writes OUT, a C file with the tables that the rows of FILES make: whatever is defined there as `const KIND
# NAME`, KIND being one of those below, is a row of KIND's table, in the order of files and lines. So an addition
# is one file.
set(kinds agent_type setting_group penalty_type mopo_task dialect)
set(table_agent_type agent_types)
set(table_setting_group config_groups)
set(table_penalty_type penalty_types)
set(table_mopo_task task_rows)
set(table_dialect dialects)

list(JOIN kinds "|" any)
foreach(file ${FILES})
  file(STRINGS ${file} lines REGEX "^const (${any}) [a-z0-9_]+ = ")
  foreach(line ${lines})
    string(REGEX MATCH "^const ([a-z_]+) ([a-z0-9_]+) = " row "${line}")
    list(APPEND rows_${CMAKE_MATCH_1} ${CMAKE_MATCH_2})
  endforeach()
endforeach()

set(text "/* Made by cmake/rows.cmake. */
#include \"agent/agent.h\"
#include \"data/dialect.h\"
#include \"model/penalty.h\"
#include \"task/task.h\"

")
foreach(kind ${kinds})
  set(items "")
  foreach(name ${rows_${kind}})
    string(APPEND text "extern const ${kind} ${name};\n")
    string(APPEND items "&${name}, ")
  endforeach()
  string(APPEND text "const ${kind} *const ${table_${kind}}[] = {${items}NULL};\n\n")
endforeach()
list(TRANSFORM rows_agent_type REPLACE "(.+)" "&\\1.is, " OUTPUT_VARIABLE algorithms)
list(JOIN algorithms "" algorithms)
string(APPEND text "const algorithm *const config_algorithms[] = {${algorithms}NULL};\n")
file(CONFIGURE OUTPUT ${OUT} CONTENT "${text}" @ONLY) # written where it changes
