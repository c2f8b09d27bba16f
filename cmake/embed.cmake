# Writes OUT, a C file with one string constant <PREFIX>_<name> for each of FILES.
set(text "/* Made by cmake/embed.cmake. */\n")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND text "extern const char ${PREFIX}_${name}[];\nconst char ${PREFIX}_${name}[] = {${bytes}0};\n")
endforeach()
file(WRITE ${OUT} "${text}")
