/* config_geoip.c - the files of geoip: opened as the resolver will open them, so that a damaged or mistaken one is found
 * on the desk. */
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"
#include "say.h"
#include "sinkhole/geo.h"

/* Without the path in front, which the message has in the author's words. */
static const char *bare_why(const char *text, const char *path)
{
	size_t len = strlen(path);

	return strncmp(text, path, len) == 0 && strncmp(text + len, ": ", 2) == 0 ? text + len + 2
										  : text;
}

/* Only warnings: rules that ask where an address is do not match then, and nothing else suffers. */
void geoip_look(struct reading *reading, const struct node *node, enum sink_geo_kind kind,
	const char *path)
{
	struct sink_why why = { .text = "" };
	struct sink_geo *geo = NULL;
	int err = sink_geo_open(path, kind, NULL, &why, &geo);

	if (err == SINK_ENOMEM)
		reading->problems.no_memory = true;
	else if (err == SINK_ENOENT)
		; /* said by file_check() */
	else if (err)
		node_warn(reading, node,
			"'%s': %s: rules that ask where an address is do not apply without it",
			shown(node_text(node)).text, bare_why(why.text, path));
	else if (!sink_geo_has_ipv6(geo))
		node_warn(reading, node, "'%s': knows IPv4 only", shown(node_text(node)).text);
	sink_geo_close(geo);
}
