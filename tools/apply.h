/* apply.h - what `apply` was asked for, and the ways of doing it. */
#ifndef TOOLS_APPLY_H
#define TOOLS_APPLY_H

#include "applying.h"
#include "cmd.h"
#include "signing.h"

struct apply_request {
	const struct command *self;
	const char *dir, *reason;
	const char *policy; /* --policy; NULL: entries */
	const char *config; /* whose guards count for entries, too; NULL: none */
	const char *file; /* "-": standard input */
	unsigned keep;
	uint64_t compact_at; /* or COMPACT_AT_UNSAID */
	bool dry_run, json, follow;
	struct gate gate; /* what is forced */
	struct signing signing;
};

/* A changed policy on what is listed. */
enum status apply_policy(const struct apply_request *request);

/* A file of changes: all of it, or nothing. */
enum status apply_entries(const struct apply_request *request);

/* Lines as they come, batch by batch. */
enum status apply_follow(const struct apply_request *request);

/* What the latter two share. */
struct applying applying_of(const struct apply_request *request);
const char *apply_title(const char *path);
enum status apply_failed(int err, const struct sink_why *why); /* says why nothing is published */

#endif
