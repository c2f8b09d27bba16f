#!/bin/sh
# layers.sh [ROOT [OBJECTS]] - holds the house's rules on includes, calls and numbers:
#   which room may include which, the one owner of each third-party library, and base/number.c the
#   only file of the library that prints or reads numbers with a decimal point (its locale is C's);
#   with OBJECTS, a directory of ROOM/FILE.c.o, also which room may call which, for a call through
#   mopo.h includes nothing of the room that answers it.
# Prints every line and call that breaks them, and fails if there is one.
set -eu
objects=${2:+$(cd "$2" && pwd)}
cd "${1:-$(dirname "$0")/..}"

table='
function fill() {
  may["base"] = ""
  may["io"] = may["nn"] = "base"
  may["task"] = "io base"
  may["config"] = "task io base"
  may["data"] = "task io base"
  may["run"] = "config io base"
  may["report"] = "config run task io base"
  may["model"] = "config data task io nn base"
  may["agent"] = "model config data task io nn base"
  may["sim"] = "task io base"
  may["play"] = "sim model agent config run data task io nn base"
  may["ope"] = "model agent play config run data task io nn base"
  may["train"] = "ope play sim model agent config run data task io nn base"
  may["bench"] = "train ope play sim model agent config run data task io nn base"
  may["helper"] = "io base"
  may["cli"] = ""
}

function within(room, list,    words, n, i) {
  n = split(list, words, " ")
  for (i = 1; i <= n; i++) if (words[i] == room) return 1
  return 0
}
'

includes='
BEGIN {
  fill()
  # header -> the files that may see it
  owner["mujoco"] = "^src/sim/(sim|render)"
  owner["GL"] = owner["EGL"] = "^src/sim/render"
  owner["hdf5"] = owner["H5"] = "^src/io/hdf5"
  owner["pthread"] = owner["threads"] = "^src/base/par\\.c$"
  owner["zlib"] = "^src/io/(zip|png)\\.c$"
  owner["webp"] = "^src/io/film_webp\\.c$"
  owner["ini"] = "^src/(config/config|io/ini)\\.c$"
  owner["muParserDLL"] = "^src/task/expression\\.c$"
  owner["jansson"] = "^src/(io/(safetensors(_out)?|minari)|run/(result|figures))\\.c$"
}

function broken(why) {
  printf "%s:%d: %s: %s\n", FILENAME, FNR, $0, why
  bad = 1
}

FNR == 1 {
  split(FILENAME, part, "/")
  room = part[2]
  if (!(room in may)) { printf "%s: room \"%s\" is not in the table\n", FILENAME, room; bad = 1; nextfile }
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
  split($0, quoted, "\"")
  slash = index(quoted[2], "/")
  other = slash ? substr(quoted[2], 1, slash - 1) : room
  if (other == "mopo" || other == room) next
  if (!(other in may)) broken("no such room")
  else if (!within(other, may[room])) broken(room " may not include " other)
}

/^[ \t]*#[ \t]*include[ \t]*</ {
  stem = $0
  sub(/^[^<]*</, "", stem)
  sub(/[\/.>].*$/, "", stem)
  if (stem ~ /^H5/) stem = "H5"
  if (stem in owner && FILENAME !~ owner[stem]) broken("not its owner")
}

room != "cli" && FILENAME != "src/base/number.c" {
  if ($0 ~ /(^|[^a-z_])(strto[df]|strtold|atof|v?sscanf|vsn?printf|vfprintf)\(/)
    broken("want number_parse, number_vprint")
  if (!printing && $0 ~ /(^|[^a-z_])(f|sn|s|d)printf\(/) { printing = 1; call = "" }
  if (printing) {
    call = call $0
    if (call ~ /%[-+ 0-9.*]*l?[efgaEFGA]/) { broken("want number_print"); printing = 0 }
    if ($0 ~ /;/) printing = 0
  }
}

END { exit bad }
'

# Lines of nm -A -P: "ROOM/FILE.c.o: NAME TYPE ...".
calls='
BEGIN { fill() }
{
  file = $1; sub(/:$/, "", file); sub(/^\.\//, "", file)
  room = file; sub(/\/.*/, "", room)
  if ($3 == "U") { n++; from[n] = room; at[n] = file; wants[n] = $2 }
  else if ($3 ~ /^[A-TV-Z]$/) home[$2] = room
}
END {
  if (n == 0) { print "no objects"; exit 1 }
  for (i = 1; i <= n; i++) {
    other = home[wants[i]]
    if (other == "" || other == from[i] || within(other, may[from[i]])) continue
    printf "%s: calls %s of %s: %s may not\n", at[i], wants[i], other, from[i]
    bad = 1
  }
  exit bad
}
'

status=0
find src -name '*.[ch]' | sort | xargs awk "$table$includes" || status=1
if [ -n "$objects" ]; then
  (cd "$objects" && find . -name '*.o' | sort | xargs nm -A -P) | awk "$table$calls" || status=1
fi
exit $status
