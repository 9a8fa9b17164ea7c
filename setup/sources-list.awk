# One-line sources (deb [options] URI SUITE COMPONENT...) to deb822 stanzas.

/^[ \t]*deb(-src)?[ \t]/ {
	options = ""
	sub(/[ \t]*#.*/, "")
	if (match($0, /\[[^]]*\]/)) {
		options = substr($0, RSTART + 1, RLENGTH - 2)
		$0 = substr($0, 1, RSTART - 1) substr($0, RSTART + RLENGTH)
	}
	print "Types: " $1
	print "URIs: " $2
	print "Suites: " $3
	components = ""
	for (i = 4; i <= NF; i++)
		components = components " " $i
	print "Components:" components
	n = split(options, option, /[ \t]+/)
	for (i = 1; i <= n; i++) {
		if (option[i] ~ /^signed-by=/)
			print "Signed-By: " substr(option[i], 11)
		if (option[i] ~ /^trusted=/)
			print "Trusted: " substr(option[i], 9)
	}
	print ""
}
