#!/bin/sh
# browser.sh PROGRAM [DIR] - makes three short runs and their report, and looks at it in a real Chromium:
# light, dark, on a telephone, as a PDF. No word on the console, nothing fetched; under the arrow keys
# and the pointer stand the figures of progress.csv. The pictures stay in DIR (for people to look at). Without Chromium: 77.
set -eu
program=$(realpath "$1")
data=$(realpath "$(dirname "$0")/../../data/hopper-medium-replay-sample.hdf5")
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$chromium" ]; then
  echo "browser.sh: no chromium here (apt-get install chromium); the page is not looked at"
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
dir=${2:-$scratch/pictures}
mkdir -p "$dir"
dir=$(realpath "$dir")
cd "$scratch"

options="--data $data --task hopper --epochs 4 --updates-per-epoch 600 --batch-size 32 --hidden 32
--members 3 --elites 2 --model-hidden 16 --model-layers 2 --model-max-epochs 2 --rollout-batch 100
--rollout-length 2 --eval-every 1 --eval-episodes 1 --threads 1 --quiet"
# shellcheck disable=SC2086 # a list of options
for seed in 0 1; do "$program" train --out mopo$seed --seed $seed $options > /dev/null; done
# shellcheck disable=SC2086
"$program" train --out mbpo0 --algo mbpo --model mopo0 $options > /dev/null
"$program" report mopo0 mopo1 mbpo0 --out report.html

# browse NAME OPTION... : the console must stay silent.
browse() {
  name=$1
  shift
  timeout 300 "$chromium" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
    --user-data-dir="$scratch/profile" --hide-scrollbars --enable-logging=stderr "$@" \
    > "$name.out" 2> "$name.err" || { cat "$name.err"; exit 1; }
  if grep CONSOLE "$name.err"; then
    echo "browser.sh: $name: a word on the console"
    exit 1
  fi
}

# The same page with a reader who walks by arrow keys over every point of every line, from the first
# press on, then points at the end of mbpo's curve, and writes down what they saw.
sed 's|</body>|<script>const seen = [];\
for (const svg of document.querySelectorAll(".chart svg")) {\
  const press = key => svg.dispatchEvent(new KeyboardEvent("keydown", { key }));\
  const note = () => seen.push(svg.querySelector(".spot") \&\& svg.parentElement.querySelector(".tip")?.textContent);\
  press("ArrowRight");\
  for (const path of svg.querySelectorAll("path[data-n]")) {\
    const n = path.getAttribute("d").split("L").length;\
    note();\
    for (let k = 1; k < n; k++) press("ArrowRight"), note();\
    for (let k = 1; k < n; k++) press("ArrowLeft");\
    press("ArrowDown");\
  }\
}\
const path = document.querySelector("path[data-n^=mbpo]"), svg = path.ownerSVGElement;\
const end = path.getPointAtLength(path.getTotalLength()).matrixTransform(svg.getScreenCTM());\
svg.dispatchEvent(new PointerEvent("pointermove", { clientX: end.x, clientY: end.y }));\
seen.push("pointer: " + svg.parentElement.querySelector(".tip")?.textContent);\
document.title = `${performance.getEntriesByType("resource").length} fetched`;\
document.body.innerText = seen.join("\\n");\
</script></body>|' report.html > walked.html
browse walked --dump-dom "file://$scratch/walked.html"
grep -q "<title>0 fetched</title>" walked.out || { echo "browser.sh: something was fetched"; exit 1; }
sed 's/<br>/\n/g; s/<body>/&\n/' walked.out > seen.txt

# figures COLUMN WHAT FORMAT: what the page should say of a column of each run, as printed by awk.
figures() {
  for run in mopo0 mopo1 mbpo0; do
    awk -F, -v run="${run%?}, seed ${run#????}" -v column="$1" -v what="$2" -v format="$3" '
      NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
      {
        updates = $at["updates"] < 1000 ? $at["updates"] : \
          sprintf("%d,%03d", $at["updates"] / 1000, $at["updates"] % 1000)
        value = sprintf(format, $at[column])
        sub(/^-/, "\342\210\222", value)
        printf "%s  \302\267  updates %s  \302\267  %s %s", run, updates, what, value
        if (column == "score") printf "  \302\267  return %.1f", $at["return_mean"]
        print ""
      }' "$run/progress.csv"
  done
}
figures score "normalised score" %.1f > scores.txt
figures penalty_mean "penalty λu, reward per step" %.4g > penalties.txt
figures q_mean "Q, discounted return" %.4g > q.txt
echo "pointer: $(tail -1 scores.txt)" | cat scores.txt penalties.txt q.txt - > wanted.txt
[ "$(wc -l < wanted.txt)" = 37 ] # 3 runs, 4 evaluations
grep -e "normalised score" -e "penalty λu" -e " Q, " seen.txt | grep -v "mean of" > found.txt
diff wanted.txt found.txt || { echo "browser.sh: < progress.csv, > the page"; exit 1; }
if grep -v "[0-9]" seen.txt | grep "updates\|epochs\|null"; then
  echo "browser.sh: a point without a figure"
  exit 1
fi
charts=$(grep -c '<div class="chart' report.html)

page="file://$scratch/report.html"
browse light --window-size=1200,4200 --screenshot="$dir/light.png" "$page"
browse dark --window-size=1200,4200 --blink-settings=preferredColorScheme=0 \
  --screenshot="$dir/dark.png" "$page"
browse narrow --window-size=390,4200 --screenshot="$dir/narrow.png" "$page"
browse print --no-pdf-header-footer --print-to-pdf="$dir/report.pdf" "$page"
if command -v pdftotext > /dev/null; then # the last line of a page that another one follows
  pdftotext -layout "$dir/report.pdf" - | sed 's/^ *//' | awk '
    { if (sub(/^\f */, "")) print last; if (NF) last = $0 }' > feet.txt
  grep -o '<\(h[23]\|dt\)[^>]*>[^<]*' report.html | sed 's/<[^>]*>//' > heads.txt
  if grep -Fx -f heads.txt feet.txt; then
    echo "browser.sh: a heading stands alone at the foot of a page"
    exit 1
  fi
fi
cp report.html "$dir"
for f in light.png dark.png narrow.png report.pdf; do [ -s "$dir/$f" ]; done
if cmp -s "$dir/light.png" "$dir/dark.png"; then
  echo "browser.sh: the dark page is the light one"
  exit 1
fi
echo "browser.sh: $charts charts, figures as recorded, no word on the console, nothing fetched"
