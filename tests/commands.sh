#!/bin/bash
# How make would compile each file that is not compiled yet: a line each, the command with its options, a tab, the file.
# A file that several programs have in common is there once for each way of compiling it. Called where ./configure was;
# arguments are make's, targets for example.
# shellcheck disable=SC2016 # make's backtick
set -uo pipefail
make --no-print-directory -n V=1 "$@" |
	sed -n 's/^\(.*\) -MT .* -c -o [^ ]* \(.*`\)\?\([^ `]*\.c\).*$/\1\t\3/p' |
	LC_ALL=C sort -u
