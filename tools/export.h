/* export.h - what a format is that `sinkhole export` writes; export.c lists them, and help walks that list. */
#ifndef TOOLS_EXPORT_H
#define TOOLS_EXPORT_H

#include "sinkhole/decide.h"

struct export_order {
	struct sink_judge *judge;
	const struct sink_policy *policy; /* the judge's */
	uint64_t serial;
	int64_t now; /* seconds since 1970: what is in force then is written */
	/* Of resinfo */
	const char *owner, *infourl; /* infourl NULL: none */
	bool qnamemin;
};

struct export_format {
	const char *word;
	const char *summary;
	bool is_resinfo; /* takes the options of one */
	/* Write to stdout.
	 *
	 * returns  SINK_OK; SINK_ENOMEM; SINK_ECORRUPT; SINK_EINVAL (said why) */
	int (*write)(const struct export_order *order);
};

extern const struct export_format export_unbound_acl, export_resinfo, export_json, export_domains,
	export_hosts, export_rpz;

#endif
