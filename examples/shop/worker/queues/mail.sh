handle() {
  echo "mail: would send ${1##*/} ($(wc -c <"$1") bytes)"
}
