#!/bin/bash
# What sinkhole.so shows to the process that loads it: the six names that Unbound looks up, no more.
# dlopen() is RTLD_GLOBAL there, so a seventh could replace a function of Unbound's, or of OpenSSL's.
# Also: every symbol is bound when it is loaded, and none of them later than that.
set -u
module=${1:-${SINKHOLE_SO:-}}
if [ -z "$module" ]; then
	echo "1..0 # SKIP built without --with-unbound-source: no module"
	exit 0
fi

number=0
result() { # ok|not ok, NAME
	number=$((number + 1))
	echo "$1 $number - $2"
}

echo "1..4"
wanted="clear deinit get_mem inform_super init operate"
# Sanitizers add data of their own, by which their reports know a global variable.
shown=$(nm -D --defined-only "$module" | awk '$3 !~ /^(__asan|__odr_asan)/ { print $3 }' | LC_ALL=C sort | tr '\n' ' ')
if [ "${shown% }" = "$wanted" ]; then
	result ok "exports six symbols"
else
	result "not ok" "exports six symbols"
	echo "# wanted: $wanted"
	echo "# found:  $shown"
fi

code=$(nm -D --defined-only "$module" | awk '$2 == "T"' | wc -l)
if [ "$code" -eq 6 ]; then
	result ok "all of them are functions"
else
	result "not ok" "all of them are functions"
fi

dynamic=$(readelf -dW "$module")
if grep -q 'FLAGS.*NOW' <<<"$dynamic" && readelf -lW "$module" | grep -q GNU_RELRO; then
	result ok "full RELRO: bound at once, then read-only"
else
	result "not ok" "full RELRO: bound at once, then read-only"
fi

# The resolver's process gets LMDB, libcrypto (which it has already) and libmaxminddb from us.
strangers=$(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' <<<"$dynamic" |
	grep -Ev '^(liblmdb|libcrypto|libmaxminddb|libc|ld-linux[^.]*|lib(a|ub|t)san)\.so')
if [ -z "$strangers" ]; then
	result ok "links nothing but what the design allows"
else
	result "not ok" "links nothing but what the design allows"
	printf '# %s\n' "$strangers"
fi
