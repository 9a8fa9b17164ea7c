/* export_names.h - what becomes of a name for a client of no group, whatever type it asks for: what formats can say that
 * know neither groups nor types. */
#ifndef TOOLS_EXPORT_NAMES_H
#define TOOLS_EXPORT_NAMES_H

#include "export.h"

struct name_judge {
	const struct export_order *order;
	struct sink_client client; /* of no group */
};

void name_judge_begin(struct name_judge *judge, const struct export_order *order);

/* wire     of the name, or of a name that stands for all below one
 * blocks   is it blocked, whatever type is asked for, and by no answer that is still to come?
 * out      for type A
 * returns  SINK_OK; SINK_ECORRUPT
 */
int name_judge_blocks(const struct name_judge *judge, struct sink_span wire, bool *blocks,
	struct sink_verdict *out);

/* is_sure  does one rule do the same, whatever type is asked for, and whatever the answer would be?
 * The rest as above. */
int name_judge_all(const struct name_judge *judge, struct sink_span wire, bool *is_sure,
	struct sink_verdict *out);

#endif
