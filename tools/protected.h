/* protected.h - names and addresses that no source may block: the shipped list (protected.txt, which also
 * says how such a list is written) and the operator's. */
#ifndef TOOLS_PROTECTED_H
#define TOOLS_PROTECTED_H

#include "nameset.h"
#include "sinkhole/prefix.h"

struct protected
{
	struct name_set names;
	struct sink_prefix *prefixes;
	size_t count, size;
};

/* Begin with the shipped list. End it with protected_end(), whatever this returned.
 *
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO
 */
int protected_begin(struct protected *p, struct sink_why *why);

/* Add what a file says. One wrong line refuses it: who protects a name must know that it is protected.
 *
 * returns  SINK_OK; SINK_ENOENT, SINK_EIO (errno); SINK_ESYNTAX; SINK_ETOOLONG; SINK_ENOMEM
 */
int protected_add_file(struct protected *p, const char *path, struct sink_why *why);

/* Add the host of a URL, so that no list blocks where lists come from. What has no host name is passed
 * over.
 *
 * returns  SINK_OK; SINK_ENOMEM
 */
int protected_add_url(struct protected *p, const char *url);

/* Add the target of an alias that a policy answers with, in wire form; with a first label "*" all below it: a garden
 * that is listed itself would lead in a circle.
 *
 * returns  SINK_OK; SINK_ENOMEM
 */
int protected_add_target(struct protected *p, struct sink_span cname);

/* Would an entry for this prefix reach an address of the list? Cost: a comparison for each. */
bool protected_hit_prefix(const struct protected *p, const struct sink_prefix *prefix);

/* All zero is fine. */
void protected_end(struct protected *p);

#endif
