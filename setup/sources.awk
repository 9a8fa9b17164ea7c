# deb822 stanzas of the system to those of our private apt: the same Debian mirrors, trusted by the
# same keys, with other types (`types`) and another release (`to` instead of `from`).
#
# A mirror counts as Debian's if its URI says so and the suite is one of the release's own: other
# archives use the code names too ("bookworm-pgdg", "cloud-sdk-bookworm").

BEGIN { RS = ""; FS = "\n" }

function wanted_suites(text,    word, n, i, found)
{
	n = split(text, word, /[ \t\n]+/)
	for (i = 1; i <= n; i++) {
		sub(/^(old)*stable/, from, word[i]) # whatever that is by now, the system is `from`
		if (word[i] == from || word[i] == from "-updates" || word[i] == from "-security")
			found = found " " to substr(word[i], length(from) + 1)
	}
	return found
}

function debian_uris(text,    word, n, i, found)
{
	n = split(text, word, /[ \t\n]+/)
	for (i = 1; i <= n; i++)
		if (word[i] ~ /debian/)
			found = found " " word[i]
	return found
}

{
	split("", field)
	name = ""
	for (i = 1; i <= NF; i++) {
		if ($i ~ /^[ \t]/ && name != "") {
			field[name] = field[name] "\n" $i
		} else if (match($i, /^[^:]+:/)) {
			name = tolower(substr($i, 1, RLENGTH - 1))
			field[name] = substr($i, RLENGTH + 1)
		}
	}
	suites = wanted_suites(field["suites"])
	uris = debian_uris(field["uris"])
	if (suites == "" || uris == "" || field["components"] !~ /(^|[ \t\n])main([ \t\n]|$)/)
		next
	if (tolower(field["enabled"]) ~ /no|false/)
		next
	stanza = "Types: " types "\nURIs:" uris "\nSuites:" suites "\nComponents: main\n"
	if ("signed-by" in field)
		stanza = stanza "Signed-By:" field["signed-by"] "\n"
	if ("trusted" in field)
		stanza = stanza "Trusted:" field["trusted"] "\n"
	if (!(stanza in seen))
		print stanza
	seen[stanza] = 1
}
