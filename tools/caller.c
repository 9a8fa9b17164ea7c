/* caller.c - who runs this command. */
#include "caller.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An emergency may not wait for a name that no history takes: that is told as a number. */
static bool is_name(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0 && len < CALLER_MAX;
}

void caller_find(char out[CALLER_MAX])
{
	const char *name = getuid() == 0 ? getenv("SUDO_USER") : NULL;
	const struct passwd *account = name && *name ? NULL : getpwuid(getuid());

	if (account)
		name = account->pw_name;
	if (!name || !is_name(name))
		snprintf(out, CALLER_MAX, "uid %u", (unsigned)getuid());
	else
		snprintf(out, CALLER_MAX, "%s", name);
}
