#!/bin/sh
# browser.sh PROGRAM [DIR] - makes three short runs and their report, and looks at it in a real Chromium:
# light, dark, on a telephone, as a PDF. No word on the console, nothing fetched, a value under the
# arrow keys in every chart. The pictures stay in DIR (for people to look at). Without Chromium: 77.
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

options="--data $data --task hopper --epochs 4 --updates-per-epoch 20 --batch-size 32 --hidden 32
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

# The same page with a reader who presses an arrow key in every chart and says what they saw.
sed 's|</body>|<script>const seen = [...document.querySelectorAll(".chart svg")].map(svg => {\
  svg.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));\
  return /[0-9]/.test(svg.parentElement.querySelector(".tip")?.textContent) \&\& svg.querySelector(".spot");\
}); document.title = `${seen.filter(Boolean).length} of ${seen.length} charts, ${performance.getEntriesByType("resource").length} fetched`;\
</script></body>|' report.html > pressed.html
browse pressed --dump-dom "file://$scratch/pressed.html"
charts=$(grep -c '<div class="chart' report.html)
grep -q "<title>$charts of $charts charts, 0 fetched</title>" pressed.out || {
  grep '<title>' pressed.out | head -1
  echo "browser.sh: want $charts of $charts charts, 0 fetched"
  exit 1
}

page="file://$scratch/report.html"
browse light --window-size=1200,4200 --screenshot="$dir/light.png" "$page"
browse dark --window-size=1200,4200 --blink-settings=preferredColorScheme=0 \
  --screenshot="$dir/dark.png" "$page"
browse narrow --window-size=390,4200 --screenshot="$dir/narrow.png" "$page"
browse print --no-pdf-header-footer --print-to-pdf="$dir/report.pdf" "$page"
cp report.html "$dir"
for f in light.png dark.png narrow.png report.pdf; do [ -s "$dir/$f" ]; done
if cmp -s "$dir/light.png" "$dir/dark.png"; then
  echo "browser.sh: the dark page is the light one"
  exit 1
fi
echo "browser.sh: $charts charts, no word on the console, nothing fetched"
