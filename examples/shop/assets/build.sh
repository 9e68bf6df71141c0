#!/bin/sh
# Assembles the pages: the same head and foot for each, and a stylesheet whose name contains a hash of its content.
set -eu
src=$1
site=$2

mkdir -p "$site"
sum=$(sha256sum "$src/style.css" | cut -c1-8)
cp "$src/style.css" "$site/style.$sum.css"

for page in "$src"/pages/*.html; do
  cat "$src/head.html" "$page" "$src/foot.html" | sed "s/@STYLE@/style.$sum.css/" >"$site/${page##*/}"
done

for file in "$site"/*; do
  gzip -c <"$file" >"$file.gz"
done
ls -l "$site"
