/* stats_show.h - printing what a resolver tells of itself. */
#ifndef TOOLS_STATS_SHOW_H
#define TOOLS_STATS_SHOW_H

#include <stdbool.h>

#include "sinkhole/stats.h"

struct told {
	struct sink_stats stats;
	bool runs; /* the resolver lives */
	int64_t now; /* seconds since 1970: by which a pause is in force */
};

/* On standard output, for people. */
void stats_print(const struct told *told);

/* Likewise, for programs: sinkhole(1). */
void stats_print_json(const struct told *told);

#endif
