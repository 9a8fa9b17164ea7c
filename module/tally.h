/* tally.h - what rules that monitor would have done, counted by their names over all generations, and said from time to
 * time. Knows no Unbound header. For one thread. */
#ifndef MODULE_TALLY_H
#define MODULE_TALLY_H

#include <stdint.h>

#include "mail.h"
#include "sinkhole/policy.h"

struct tally;

/* returns  NULL: no memory */
struct tally *tally_new(void);

/* NULL is fine. */
void tally_free(struct tally *tally);

/* Queries that a rule has monitored. Of more rules than one policy can have, and where there is no memory for
 * another one, what is counted is lost. */
void tally_add(struct tally *tally, const struct sink_rule *rule, uint64_t count);

/* Say and forget it all: a line or, of many rules, some lines; nothing if there is nothing.
 *
 * seconds  that it was counted for
 */
void tally_say(struct tally *tally, struct mail *mail, int64_t seconds);

#endif
