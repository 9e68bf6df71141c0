handle() {
  echo "invoice: $(awk '{ sum += $2 } END { printf "%.2f", sum }' "$1") for ${1##*/}"
}
