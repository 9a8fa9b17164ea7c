/* exempt.c - a few prefixes, looked through one by one: it is for tests. */
#include "exempt.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sinkhole/err.h"

#define PREFIXES_MAX 64

struct prefix {
	int family;
	unsigned bits;
	uint8_t address[16];
};

struct exempt {
	unsigned count;
	struct prefix prefix[PREFIXES_MAX];
};

/* returns false: not a number from 0 to max */
static bool read_bits(const char *text, unsigned max, unsigned *out)
{
	char *end;
	unsigned long bits = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || bits > max)
		return false;
	*out = (unsigned)bits;
	return true;
}

static bool read_prefix(char *text, struct prefix *out)
{
	char *slash = strchr(text, '/');
	unsigned max;

	if (slash)
		*slash = '\0';
	out->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	max = out->family == AF_INET6 ? 128 : 32;
	out->bits = max;
	return inet_pton(out->family, text, out->address) == 1 &&
		(!slash || read_bits(slash + 1, max, &out->bits));
}

static int read_all(char *text, struct exempt *out)
{
	char *word, *rest = text;

	while ((word = strsep(&rest, ",")) != NULL) {
		if (out->count == PREFIXES_MAX || !read_prefix(word, &out->prefix[out->count]))
			return SINK_ESYNTAX;
		out->count++;
	}
	return SINK_OK;
}

int exempt_new(const char *text, struct exempt **out)
{
	struct exempt *exempt;
	char *copy;
	int err;

	*out = NULL;
	if (!text || !text[0])
		return SINK_OK;
	copy = strdup(text);
	exempt = calloc(1, sizeof *exempt);
	err = copy && exempt ? read_all(copy, exempt) : SINK_ENOMEM;
	free(copy);
	if (err)
		free(exempt);
	else
		*out = exempt;
	return err;
}

void exempt_free(struct exempt *exempt)
{
	free(exempt);
}

static bool inside(const struct prefix *prefix, const uint8_t *address)
{
	unsigned bytes = prefix->bits / 8, rest = prefix->bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	if (memcmp(prefix->address, address, bytes) != 0)
		return false;
	return rest == 0 || ((prefix->address[bytes] ^ address[bytes]) & mask) == 0;
}

static const uint8_t *address_of(const struct sockaddr_storage *client)
{
	if (client->ss_family == AF_INET)
		return (const uint8_t *)&((const struct sockaddr_in *)client)->sin_addr;
	if (client->ss_family == AF_INET6)
		return (const uint8_t *)&((const struct sockaddr_in6 *)client)->sin6_addr;
	return NULL; /* a Unix socket */
}

bool exempt_has(const struct exempt *exempt, const struct sockaddr_storage *client)
{
	const uint8_t *address = address_of(client);

	if (!exempt || !address)
		return false;
	for (unsigned i = 0; i < exempt->count; i++) {
		const struct prefix *prefix = &exempt->prefix[i];

		if (prefix->family == client->ss_family && inside(prefix, address))
			return true;
	}
	return false;
}
