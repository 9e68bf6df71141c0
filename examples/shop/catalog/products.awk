# Converts tab-separated products to JSON. The build fails if a line is not id, name and price.
BEGIN { FS = "\t"; printf "[" }
/^#/ || NF == 0 { next }
NF != 3 || $3 !~ /^[0-9]+\.[0-9][0-9]$/ {
  print "products.tsv:" NR ": not id, name, price: " $0 > "/dev/stderr"
  exit failed = 1
}
{
  printf "%s\n  { \"id\": \"%s\", \"name\": \"%s\", \"price\": %s, \"currency\": \"%s\" }", count++ ? "," : "", $1, $2, $3, currency
}
END { if (!failed) print "\n]" }
