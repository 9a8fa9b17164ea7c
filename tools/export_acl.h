/* export_acl.h - which clients are kept from everything, and in what way; between export_acl.c, which finds out, and
 * export_views.c, which writes it. */
#ifndef TOOLS_EXPORT_ACL_H
#define TOOLS_EXPORT_ACL_H

#include "export.h"

/* One way to be kept from everything. Clients of one view have the same verdict about every name. */
struct acl_view {
	struct sink_verdict verdict; /* about a name that is not listed */
	/* Clients like those of it: with all rules that are for some types, times, countries or shares, and with
	 * none of them */
	struct sink_client most, least;
};

#define ACL_NO_VIEW SIZE_MAX

/* Clients in a prefix and in no longer one of the list: all of them have one verdict. */
struct acl_region {
	struct sink_prefix prefix;
	size_t parent; /* the closest region around it, SIZE_MAX: none */
	size_t view; /* ACL_NO_VIEW: not kept from everything, or that cannot be said to Unbound */
	const char *reason; /* for the latter; else NULL */
	struct sink_verdict verdict; /* of its clients */
};

struct acl {
	struct acl_region *regions; /* rising; each right before those within it */
	size_t count, room;
	struct acl_view *views;
	size_t views_count, views_room;
};

/* returns  SINK_OK; SINK_ENOMEM; SINK_ECORRUPT. End it with acl_end(), whatever this returned */
int acl_begin(const struct export_order *order, struct acl *out);

void acl_end(struct acl *acl);

/* A verdict about a name, by clients of a view: is it certain that they are kept from it? */
int acl_is_blocked(const struct export_order *order, const struct acl_view *view,
	struct sink_span name, bool *out);

/* Write the clauses. Returns SINK_OK; SINK_ENOMEM; SINK_ECORRUPT; SINK_EIO. */
int acl_write(const struct export_order *order, const struct acl *acl);

#endif
